//! The identity of each root: its catalog and its role.
//!
//! Each root has a small file with the catalog's id and the root's role. A start compares the five files
//! before it creates anything. It refuses a volume that is not mounted, a root of another catalog, swapped
//! roots, and an emptied catalog root.
//!
//! The first start writes the files as `founding`, then creates the catalog, then marks the files
//! `founded`. If all roots are `founding`, the first start did not finish. Such roots hold no data, so a
//! missing one is created. A `founded` root is never created again.

use std::fmt;
use std::path::PathBuf;

use crate::domain::{IDENTITY_FILE, LOST_AND_FOUND, NEW_IDENTITY_FILE, PerRole, RootRole};
use crate::failure::IoFailure;
use crate::fs::{Dir, sector};

/// The layout of keys, paths and files that this version of the library reads and writes.
const LAYOUT: u32 = 1;

/// The id of a catalog: 128 random bits, drawn when the catalog is created.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CatalogId(u128);

impl CatalogId {
    pub(crate) const fn of_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// Returns the id that is displayed as this text.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let id = Self(u128::from_str_radix(text, 16).ok()?);
        (id.to_string() == text).then_some(id)
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
        // Only one spelling of an identity is accepted.
        (identity.encode() == bytes).then_some(identity)
    }

    /// Returns the identity of a root, or `None` if the root has none or if it cannot be decoded.
    pub(crate) fn read(root: &Dir) -> Result<Option<Self>, IoFailure> {
        if !root.has(IDENTITY_FILE)? {
            return Ok(None);
        }
        Ok(Self::decode(&root.read_file(IDENTITY_FILE)?))
    }

    /// Writes the identity into a root that has no identity or another one.
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

/// The identity that a start found in a root.
pub(crate) enum Seen {
    /// The directory does not exist.
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
    /// Inspects a root. `holds_store` tells whether a catalog root holds a store.
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

    /// Returns whether the root holds data of a catalog. The data of a catalog root is a store.
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

/// The caller's intent for the roots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    /// A start: the identities must agree.
    Start,
    /// An adoption: the roots belong together, even if identities are missing.
    Adopt,
    /// A new beginning: the catalog of the roots is lost, and the caller wants a new one.
    StartOver,
}

/// The steps that the identities require.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The catalog's id, or `None` for a new catalog.
    pub(crate) catalog: Option<CatalogId>,
    /// Whether the roots' identities must be marked as founded once the catalog is open.
    pub(crate) is_founding: bool,
}

/// The reason why roots do not belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdentityProblem {
    /// The root has no identity, but others have one: its volume may not be mounted.
    Missing {
        /// The catalog of the other roots.
        catalog: CatalogId,
    },
    /// The catalog root is empty or missing, but the other roots have an identity.
    NoCatalog {
        /// The catalog of the other roots.
        catalog: CatalogId,
    },
    /// The root has the identity of another role.
    OtherRole {
        /// The role in the root's identity.
        found: RootRole,
        /// The catalog in the root's identity.
        catalog: CatalogId,
    },
    /// The root belongs to another catalog.
    OtherCatalog {
        /// The catalog that the root belongs to.
        found: CatalogId,
        /// The catalog of the other root in the comparison.
        catalog: CatalogId,
        /// The other root's path.
        of: PathBuf,
    },
    /// A newer version of the library wrote the root.
    NewerLayout {
        /// The root's layout version.
        found: u32,
    },
    /// The identity cannot be read.
    Damaged,
    /// The root holds data, but no root has an identity.
    Unidentified,
    /// The caller wants a new catalog, but the root holds one.
    HoldsCatalog,
}

impl fmt::Display for IdentityProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { catalog } => write!(
                f,
                "has no `frostline.identity`, and the other roots belong to catalog {catalog}: mount its volume, \
         or name the right directory; if its files are lost for good, take the root in with \
         `StorageRoots::adopt`"
            ),
            Self::NoCatalog { catalog } => write!(
                f,
                "holds no catalog, and the other roots belong to catalog {catalog}: mount its volume, name the right \
         directory, or restore it from a copy; to begin a new catalog, call `StorageRoots::start_over`"
            ),
            Self::OtherRole { found, catalog } => write!(
                f,
                "was the {found} root of catalog {catalog}: put each volume back in its place"
            ),
            Self::OtherCatalog { found, catalog, of } => write!(
                f,
                "belongs to catalog {found}, and `{}` belongs to catalog {catalog}: put each volume back in its \
         place",
                of.display()
            ),
            Self::NewerLayout { found } => write!(
                f,
                "has layout version {found}, and this version of the library knows {LAYOUT}: use a newer one"
            ),
            Self::Damaged => write!(
                f,
                "has a damaged `frostline.identity`: restore that file from a copy, or remove it and call \
         `StorageRoots::adopt`"
            ),
            Self::Unidentified => write!(
                f,
                "holds data, and none of the roots has a `frostline.identity`: name the right directories; if \
         they belong together, take them in with `StorageRoots::adopt`"
            ),
            Self::HoldsCatalog => write!(
                f,
                "holds a catalog: open it, or move it away before you start over"
            ),
        }
    }
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
    // Roles go in order: if the catalog root has an identity, the others are compared with it.
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

/// Checks one root without the others.
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
