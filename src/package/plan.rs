//! Which packages bring a database from its version to the newest there is, and in what order.

use super::{Kind, Manifest};

/// What is to be done with packages.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Plan {
    /// To be applied, in this order.
    pub apply: Vec<Manifest>,
    /// A later full package made them unnecessary.
    pub superseded: Vec<Manifest>,
}

/// Plans the way from version `have` on. The newest full package supersedes all before it; deltas follow where they fit exactly. What
/// fits nowhere is left for the time when what is missing has come; what brings nothing new is in neither list.
pub fn plan(have: u64, manifests: &[Manifest]) -> Plan {
    let is_new = |manifest: &&Manifest| manifest.to_version > have;
    let full = manifests.iter().filter(is_new).filter(|manifest| manifest.kind == Kind::Full);
    let full = full.max_by_key(|manifest| (manifest.to_version, manifest.id));
    let mut plan = Plan::default();
    let mut version = have;
    if let Some(full) = full {
        version = full.to_version;
        plan.apply.push(full.clone());
        let before = |manifest: &&Manifest| manifest.to_version <= version && manifest.id != full.id;
        plan.superseded = manifests.iter().filter(is_new).filter(before).cloned().collect();
        plan.superseded.sort_by_key(|manifest| manifest.id);
        plan.superseded.dedup_by_key(|manifest| manifest.id);
    }
    let next = |version| {
        let fits = manifests.iter().filter(move |manifest| manifest.kind == Kind::Delta { from_version: version });
        fits.filter(move |manifest| manifest.to_version > version).max_by_key(|manifest| (manifest.to_version, manifest.id))
    };
    while let Some(delta) = next(version) {
        version = delta.to_version;
        plan.apply.push(delta.clone());
    }
    plan
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::manifest;
    use super::*;

    fn full(version: u64) -> Manifest {
        manifest(version, Kind::Full, version)
    }

    fn delta(version: u64) -> Manifest {
        manifest(version, Kind::Delta { from_version: version - 1 }, version)
    }

    fn ids(manifests: &[Manifest]) -> Vec<u64> {
        manifests.iter().map(|manifest| manifest.id).collect()
    }

    #[test]
    fn packages_are_applied_in_order_and_superseded_ones_skipped() {
        let all = [full(1), delta(2), delta(3), full(4), delta(5), delta(6)];
        for (have, without, apply, superseded) in [
            (0, 0, vec![4, 5, 6], vec![1, 2, 3]),
            (3, 0, vec![4, 5, 6], vec![]),
            (4, 0, vec![5, 6], vec![]),
            (4, 5, vec![], vec![]),
            (6, 0, vec![], vec![]),
            (9, 0, vec![], vec![]),
            (2, 4, vec![3], vec![]),
            (0, 4, vec![1, 2, 3], vec![]),
            (0, 1, vec![4, 5, 6], vec![2, 3]),
        ] {
            let there: Vec<Manifest> = all.iter().filter(|manifest| manifest.id != without).cloned().collect();
            let planned = plan(have, &there);
            assert_eq!((ids(&planned.apply), ids(&planned.superseded)), (apply, superseded), "from {have} without {without}");
        }
    }

    proptest! {
        /// Whatever was lost, repeated or put in another order: each step fits the one before, and nothing that fits is left.
        #[test]
        fn a_plan_is_a_chain(fulls in proptest::collection::vec(any::<bool>(), 1..12), chosen in proptest::collection::vec(0_usize..12, 0..30), have in 0_u64..12) {
            let all: Vec<Manifest> = fulls.iter().zip(1..).map(|(is_full, version)| if *is_full { full(version) } else { delta(version) }).collect();
            let there: Vec<Manifest> = chosen.iter().filter_map(|at| all.get(*at)).cloned().collect();
            let planned = plan(have, &there);
            let mut version = have;
            for manifest in &planned.apply {
                prop_assert!(manifest.to_version > version);
                if let Kind::Delta { from_version } = manifest.kind {
                    prop_assert_eq!(from_version, version);
                }
                version = manifest.to_version;
            }
            let fits = Kind::Delta { from_version: version };
            prop_assert!(!there.iter().any(|manifest| manifest.kind == fits));
            prop_assert!(!there.iter().any(|manifest| manifest.kind == Kind::Full && manifest.to_version > version));
            prop_assert!(planned.superseded.iter().all(|manifest| !planned.apply.contains(manifest)));
        }
    }
}
