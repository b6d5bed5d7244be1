//! Which catalog a root belongs to.
//!
//! Each root has a small file with the catalog's id and the root's role. A start compares the five
//! before it creates anything. A volume that is not mounted, a root of another catalog, swapped roots
//! and an emptied catalog root are each a refusal.
//!
//! The first start writes the files as `founding`, then creates the catalog, then marks them `founded`.
//! Roots that are all `founding` are those of a first start that did not get to its end: none of them
//! holds data, so a missing one is created. A `founded` root is never created again.

use std::fmt;
use std::path::PathBuf;

use crate::domain::{IDENTITY_FILE, LOST_AND_FOUND, NEW_IDENTITY_FILE, PerRole, RootRole};
use crate::failure::IoFailure;
use crate::fs::{Dir, sector};

/// The layout of keys, paths and files that this version of the library reads and writes.
const LAYOUT: u32 = 1;

/// Which of all catalogs this is: 128 random bits, made when the catalog was created.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CatalogId(u128);

impl CatalogId {
    pub(crate) const fn of_bits(bits: u128) -> Self {
        Self(bits)
    }
}

impl fmt::Display for CatalogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for CatalogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CatalogId({self})")
    }
}

/// The identity of one root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) catalog: CatalogId,
    role: RootRole,
    layout: u32,
    is_founded: bool,
}

impl Identity {
    pub(crate) const fn new(catalog: CatalogId, role: RootRole, is_founded: bool) -> Self {
        Self {
            catalog,
            role,
            layout: LAYOUT,
            is_founded,
        }
    }

    fn encode(self) -> [u8; sector::SECTOR] {
        let Self {
            catalog,
            role,
            layout,
            is_founded,
        } = self;
        let state = if is_founded { "founded" } else { "founding" };
        sector::encode(&format!(
            "frostline root catalog {catalog} role {role} layout {layout} state {state}"
        ))
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let text = sector::decode(bytes)?;
        let words: Vec<_> = text.split(' ').collect();
        let [_, _, _, catalog, _, role, _, layout, _, state] = words[..] else {
            return None;
        };
        let identity = Self {
            catalog: CatalogId(u128::from_str_radix(catalog, 16).ok()?),
            role: RootRole::ALL
                .into_iter()
                .find(|known| known.to_string() == role)?,
            layout: layout.parse().ok()?,
            is_founded: state == "founded",
        };
        // One spelling only.
        (identity.encode() == bytes).then_some(identity)
    }

    /// The identity of a root, if it has one that can be read.
    pub(crate) fn read(root: &Dir) -> Result<Option<Self>, IoFailure> {
        if !root.has(IDENTITY_FILE)? {
            return Ok(None);
        }
        Ok(Self::decode(&root.read_file(IDENTITY_FILE)?))
    }

    /// Writes the identity of a root that has none, or another one.
    pub(crate) fn write(self, root: &Dir) -> Result<(), IoFailure> {
        root.put_file(NEW_IDENTITY_FILE, IDENTITY_FILE, &self.encode())
    }

    /// Marks the identity of a root as founded, in place.
    pub(crate) fn found(self, root: &Dir) -> Result<(), IoFailure> {
        let founded = Self {
            is_founded: true,
            ..self
        };
        root.overwrite(IDENTITY_FILE, 0, &founded.encode())
    }
}

/// The identity that was found in a root.
pub(crate) enum Seen {
    /// There is no such directory.
    Missing,
    /// A directory without an identity, and whether it holds data of a catalog.
    Unidentified { holds_data: bool },
    Identified {
        identity: Identity,
        holds_data: bool,
    },
    /// An identity that cannot be read.
    Damaged,
}

impl Seen {
    /// Looks at a root. `holds_store` tells whether a catalog root holds a store.
    pub(crate) fn look(
        root: &Dir,
        role: RootRole,
        holds_store: impl Fn(&Dir) -> Result<bool, IoFailure>,
    ) -> Result<Self, IoFailure> {
        let holds_data = match role {
            RootRole::Catalog => holds_store(root)?,
            _ => root
                .list()?
                .iter()
                .any(|entry| entry.is_directory && entry.name != LOST_AND_FOUND),
        };
        Ok(if !root.has(IDENTITY_FILE)? {
            Self::Unidentified { holds_data }
        } else if let Some(identity) = Identity::read(root)? {
            Self::Identified {
                identity,
                holds_data,
            }
        } else {
            Self::Damaged
        })
    }

    /// Whether the root holds data of a catalog; the catalog root: a store.
    pub(crate) const fn holds_data(&self) -> bool {
        matches!(
            self,
            Self::Unidentified { holds_data: true }
                | Self::Identified {
                    holds_data: true,
                    ..
                }
        )
    }

    const fn identity(&self) -> Option<Identity> {
        match self {
            Self::Identified { identity, .. } => Some(*identity),
            _ => None,
        }
    }
}

/// The caller's statement about the roots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    /// Nothing: they must agree.
    Start,
    /// They belong together, whatever identities are missing.
    Adopt,
    /// Their catalog is lost, and a new one is wanted.
    StartOver,
}

/// The steps that the identities need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The catalog's id; none for a new one.
    pub(crate) catalog: Option<CatalogId>,
    /// Whether the roots' identities are to be marked as founded once the catalog is open.
    pub(crate) is_founding: bool,
}

/// Why roots do not belong together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityProblem {
    /// The root has no identity, and others have one: its volume may not be mounted.
    #[error(
        "has no `frostline.identity`, and the other roots belong to catalog {catalog}: mount its volume, \
         or name the right directory; if its files are lost for good, take the root in with \
         `StorageRoots::adopt`"
    )]
    Missing {
        /// The catalog of the other roots.
        catalog: CatalogId,
    },
    /// The catalog root is empty or missing, and the other roots have an identity.
    #[error(
        "holds no catalog, and the other roots belong to catalog {catalog}: mount its volume, name the right \
         directory, or restore it from a copy; to begin a new catalog, call `StorageRoots::start_over`"
    )]
    NoCatalog {
        /// The catalog of the other roots.
        catalog: CatalogId,
    },
    /// The root was another one's.
    #[error("was the {found} root of catalog {catalog}: put each volume back in its place")]
    OtherRole {
        /// The role that it had.
        found: RootRole,
        /// Its catalog.
        catalog: CatalogId,
    },
    /// The root belongs to another catalog.
    #[error(
        "belongs to catalog {found}, and `{}` belongs to catalog {catalog}: put each volume back in its \
         place", of.display()
    )]
    OtherCatalog {
        /// The catalog that it belongs to.
        found: CatalogId,
        /// The catalog of the root that it was compared with.
        catalog: CatalogId,
        /// That root's path.
        of: PathBuf,
    },
    /// A newer version of the library wrote the root.
    #[error(
        "has layout version {found}, and this version of the library knows {LAYOUT}: use a newer one"
    )]
    NewerLayout {
        /// The root's layout version.
        found: u32,
    },
    /// The identity cannot be read.
    #[error(
        "has a damaged `frostline.identity`: restore that file from a copy, or remove it and call \
         `StorageRoots::adopt`"
    )]
    Damaged,
    /// The root holds data, and no root has an identity.
    #[error(
        "holds data, and none of the roots has a `frostline.identity`: name the right directories; if \
         they belong together, take them in with `StorageRoots::adopt`"
    )]
    Unidentified,
    /// A new catalog was asked for, and there is one.
    #[error("holds a catalog: open it, or move it away before you start over")]
    HoldsCatalog,
}

/// A root and its problem.
pub(crate) type Mismatch = (RootRole, IdentityProblem);

/// Compares the roots' identities.
pub(crate) fn compare(
    seen: &PerRole<Seen>,
    intent: Intent,
    path: impl Fn(RootRole) -> PathBuf,
) -> Result<Plan, Mismatch> {
    for (role, root) in seen.iter() {
        check_one(role, root)?;
    }
    let has_catalog = seen.get(RootRole::Catalog).holds_data();
    if intent == Intent::StartOver {
        if has_catalog {
            return Err((RootRole::Catalog, IdentityProblem::HoldsCatalog));
        }
        return Ok(Plan {
            catalog: None,
            is_founding: true,
        });
    }
    let mut identified = seen
        .iter()
        .filter_map(|(role, root)| Some((role, root.identity()?)));
    // The catalog root comes first, so it is the one that the others are compared with.
    let Some((first_role, first)) = identified.next() else {
        let with_data = seen.iter().find(|(_, root)| root.holds_data());
        return match (intent, with_data) {
            (Intent::Start, Some((role, _))) => Err((role, IdentityProblem::Unidentified)),
            _ => Ok(Plan {
                catalog: None,
                is_founding: true,
            }),
        };
    };
    let catalog = first.catalog;
    let is_founded = seen
        .iter()
        .filter_map(|(_, root)| root.identity())
        .any(|identity| identity.is_founded);
    if let Some((role, other)) = identified.find(|(_, other)| other.catalog != catalog) {
        let problem = IdentityProblem::OtherCatalog {
            found: other.catalog,
            catalog,
            of: path(first_role),
        };
        return Err((role, problem));
    }
    if is_founded && !has_catalog {
        return Err((RootRole::Catalog, IdentityProblem::NoCatalog { catalog }));
    }
    let missing = seen.iter().find(|(_, root)| root.identity().is_none());
    if let (true, Intent::Start, Some((role, _))) = (is_founded, intent, missing) {
        return Err((role, IdentityProblem::Missing { catalog }));
    }
    let is_founding = seen
        .iter()
        .any(|(_, root)| root.identity().is_none_or(|identity| !identity.is_founded));
    Ok(Plan {
        catalog: Some(catalog),
        is_founding,
    })
}

/// Checks a root by itself, without the others.
fn check_one(role: RootRole, root: &Seen) -> Result<(), Mismatch> {
    let problem = match root {
        Seen::Damaged => IdentityProblem::Damaged,
        Seen::Identified { identity, .. } if identity.layout > LAYOUT => {
            IdentityProblem::NewerLayout {
                found: identity.layout,
            }
        }
        Seen::Identified { identity, .. } if identity.role != role => IdentityProblem::OtherRole {
            found: identity.role,
            catalog: identity.catalog,
        },
        _ => return Ok(()),
    };
    Err((role, problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_read_back() {
        for role in RootRole::ALL {
            for is_founded in [false, true] {
                let catalog = CatalogId::of_bits(0x0123_4567_89ab_cdef);
                let identity = Identity::new(catalog, role, is_founded);
                assert_eq!(Identity::decode(&identity.encode()), Some(identity));
            }
        }
        let other = sector::encode("frostline root catalog +1 role ledgers layout 1 state founded");
        assert_eq!(Identity::decode(&other), None);
        assert_eq!(Identity::decode(b""), None);
    }
}
