//! The faults that wait for their requests.
use super::{Actions, Fault, FaultHandle, RequestHead};
use crate::log::Origin;
use std::sync::Mutex;

#[derive(Default)]
pub(crate) struct FaultPlan(Mutex<Vec<Planned>>);

struct Planned {
    fault: Fault,
    seen: usize,
    handle: FaultHandle,
}

impl FaultPlan {
    pub(crate) fn add(&self, fault: Fault) -> FaultHandle {
        let handle = FaultHandle::default();
        let planned = Planned { fault, seen: 0, handle: handle.clone() };
        self.0.lock().expect("no holder panics").push(planned);
        handle
    }

    pub(crate) fn clear(&self) {
        self.0.lock().expect("no holder panics").clear();
    }

    /// What is to happen to a request: the first fault whose turn it is. Every fault that matches counts it.
    pub(crate) fn actions_for(&self, origin: Origin, head: &RequestHead<'_>) -> Option<Actions> {
        let mut found = None;
        for planned in self.0.lock().expect("no holder panics").iter_mut() {
            if !planned.fault.matches(origin, head) {
                continue;
            }
            planned.seen += 1;
            let (first, last) = planned.fault.matcher.window;
            if found.is_none() && (first..=last).contains(&planned.seen) {
                planned.handle.hit();
                found = Some(planned.fault.actions.clone());
            }
        }
        found
    }
}
