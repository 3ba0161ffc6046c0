//! What a Space is doing: computed from what was asked for and when, since nothing really runs.
use super::settings::Wanted;
use crate::{
    git::Git,
    repos::Repo,
    stamp,
    web::{ApiError, Result},
};
use hub_types::{Revision, SpaceHardware, SpaceStage, SpaceStorage};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Value, json};

const FREE: &str = "cpu-basic";
/// Free Spaces go to sleep after 48 hours, whatever is asked for.
const FREE_SLEEP_SECONDS: i64 = 48 * 3600;
/// Hardware that came after the client library whose names are known by type.
const LATER_HARDWARE: [&str; 12] = [
    "a100x4",
    "a100x8",
    "cpu-xl",
    "h100",
    "h100x8",
    "h200",
    "h200x8",
    "l40sx1",
    "l40sx4",
    "l40sx8",
    "rtx-pro-6000",
    "zero-gpu",
];

/// How a Space was told to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Space {
    pub(super) paused: bool,
    /// When the last start is done, in milliseconds since 1970.
    ready_at: i64,
    /// What it ran on before the last start.
    hardware: Option<String>,
    /// What it runs on once it has started.
    requested: String,
    pub(super) sleep_time: Option<i64>,
    pub(super) storage: Option<String>,
}

impl Space {
    pub(super) fn new(ready_at: i64) -> Self {
        Self {
            paused: false,
            ready_at,
            hardware: None,
            requested: FREE.to_owned(),
            sleep_time: None,
            storage: None,
        }
    }

    /// The state of a Space; one that nothing was ever asked of has the usual one.
    pub(super) fn load(connection: &Connection, repo: &Repo) -> Result<Self> {
        let mut statement = connection.prepare_cached(
            "SELECT paused, ready_at, hardware, requested, sleep_time, storage FROM spaces WHERE repo = ?1",
        )?;
        let space = statement.query_row([repo.key], |row| {
            Ok(Self {
                paused: row.get(0)?,
                ready_at: row.get(1)?,
                hardware: row.get(2)?,
                requested: row.get(3)?,
                sleep_time: row.get(4)?,
                storage: row.get(5)?,
            })
        });
        Ok(space.optional()?.unwrap_or_else(|| Self::new(0)))
    }

    pub(super) fn store(&self, connection: &Connection, repo: &Repo) -> Result<()> {
        connection.execute(
            "INSERT OR REPLACE INTO spaces (repo, paused, ready_at, hardware, requested, sleep_time, storage)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                repo.key,
                self.paused,
                self.ready_at,
                self.hardware,
                self.requested,
                self.sleep_time,
                self.storage
            ],
        )?;
        Ok(())
    }

    /// Takes over what was asked for along with a new Space.
    pub(super) fn apply(&mut self, wanted: &Wanted) -> Result<()> {
        if let Some(hardware) = &wanted.hardware {
            self.request(hardware)?;
        }
        if let Some(seconds) = wanted.sleep_time_seconds {
            self.set_sleep_time(seconds)?;
        }
        if let Some(tier) = &wanted.storage_tier {
            self.set_storage(tier)?;
        }
        Ok(())
    }

    /// Asks for hardware, to be had once the start that was begun just before is done.
    pub(super) fn request(&mut self, hardware: &str) -> Result<()> {
        if !SpaceHardware::from(hardware).is_known() && !LATER_HARDWARE.contains(&hardware) {
            return Err(ApiError::bad_request(format!("Invalid hardware flavor: {hardware}")));
        }
        self.requested = hardware.to_owned();
        Ok(())
    }

    /// Sets the sleep time; -1 is for never.
    pub(super) fn set_sleep_time(&mut self, seconds: i64) -> Result<()> {
        self.sleep_time = match seconds {
            -1 => None,
            0.. => Some(seconds),
            _ => return Err(ApiError::bad_request(format!("Invalid sleep time: {seconds}"))),
        };
        Ok(())
    }

    /// Gives the Space storage, no less than it has.
    pub(super) fn set_storage(&mut self, tier: &str) -> Result<()> {
        let rank = |tier: &str| SpaceStorage::KNOWN.iter().position(|known| *known == tier);
        let Some(wanted) = rank(tier) else {
            return Err(ApiError::bad_request(format!("Invalid storage tier: {tier}")));
        };
        if self.storage.as_deref().and_then(rank).is_some_and(|present| present > wanted) {
            return Err(ApiError::bad_request("Storage cannot be made smaller; delete it first"));
        }
        self.storage = Some(tier.to_owned());
        Ok(())
    }

    /// Begins a start, unless the Space is paused; `from_scratch` gives up what it runs on meanwhile.
    pub(super) fn start(&mut self, now: i64, ready_at: i64, from_scratch: bool) {
        if self.paused {
            return;
        }
        self.settle(now);
        if from_scratch {
            self.hardware = None;
        }
        self.ready_at = ready_at;
    }

    pub(super) fn pause(&mut self) {
        self.paused = true;
        self.hardware = None;
    }

    /// Notes that the last start is done, if it is.
    fn settle(&mut self, now: i64) {
        if !self.paused && now >= self.ready_at {
            self.hardware = Some(self.requested.clone());
        }
    }

    /// The form of the API. `starting` is for the answer that begins a start, however short that is.
    pub(super) fn describe(&self, repo: &Repo, has_app: bool, now: i64, starting: bool) -> Value {
        if is_static(repo) {
            let stage = SpaceStage::Running;
            return json!({ "stage": stage, "replicas": { "requested": 1, "current": 1 } });
        }
        let starts = starting || now < self.ready_at;
        let (stage, current) = match () {
            () if self.paused => (SpaceStage::Paused, None),
            () if !has_app => (SpaceStage::NoAppFile, None),
            () if starts && self.hardware.is_none() => (SpaceStage::Building, None),
            () if starts => (SpaceStage::RunningBuilding, self.hardware.as_ref()),
            () => (SpaceStage::Running, Some(&self.requested)),
        };
        let sleep_time = if self.requested == FREE { Some(FREE_SLEEP_SECONDS) } else { self.sleep_time };
        json!({
            "stage": stage,
            "hardware": { "current": current, "requested": self.requested },
            "storage": self.storage,
            "gcTimeout": sleep_time,
            "replicas": { "current": u8::from(current.is_some()), "requested": 1 },
            "devMode": false,
            "sha": repo.sha,
        })
    }
}

/// Static Spaces are files that are served; they run always and on nothing.
pub(super) fn is_static(repo: &Repo) -> bool {
    repo.sdk.as_deref().is_none_or(|sdk| sdk == "static")
}

/// Whether a Space has what it is started from.
pub(super) fn has_app(git: &Git<'_>, repo: &Repo) -> Result<bool> {
    let file = match repo.card.get("app_file").and_then(Value::as_str) {
        Some(file) => file,
        None if repo.sdk.as_deref() == Some("docker") => "Dockerfile",
        None => "app.py",
    };
    Ok(git.read(git.resolve(Revision::MAIN)?, file)?.is_some())
}

/// What a Space is doing now, in the form of the API.
pub(crate) fn runtime(connection: &Connection, git: &Git<'_>, repo: &Repo) -> Result<Value> {
    let space = Space::load(connection, repo)?;
    Ok(space.describe(repo, has_app(git, repo)?, stamp::unix_millis(), false))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repo(sdk: &str) -> Repo {
        Repo {
            key: 1,
            oid: "1".into(),
            kind: hub_types::RepoType::Space,
            id: "me/demo".parse().unwrap(),
            private: false,
            gated: None,
            disabled: false,
            created_at: String::new(),
            last_modified: String::new(),
            sha: "c1".into(),
            downloads: 0,
            likes: 0,
            sdk: Some(sdk.into()),
            pipeline_tag: None,
            library_name: None,
            tags: Value::Null,
            card: Value::Null,
            config: Value::Null,
        }
    }

    fn seen(space: &Space, now: i64) -> (String, Option<String>) {
        let object = space.describe(&repo("gradio"), true, now, false);
        let text = |value: &Value| value.as_str().map(str::to_owned);
        (text(&object["stage"]).unwrap(), text(&object["hardware"]["current"]))
    }

    #[test]
    fn a_space_moves_to_its_hardware_when_it_has_started() {
        let mut space = Space::new(100);
        assert_eq!(seen(&space, 99), ("BUILDING".into(), None));
        assert_eq!(seen(&space, 100), ("RUNNING".into(), Some(FREE.into())));
        space.start(200, 300, false);
        space.request("t4-small").unwrap();
        assert_eq!(seen(&space, 299), ("RUNNING_BUILDING".into(), Some(FREE.into())));
        assert_eq!(seen(&space, 300), ("RUNNING".into(), Some("t4-small".into())));
        space.start(400, 500, true);
        assert_eq!(seen(&space, 450), ("BUILDING".into(), None));
    }

    #[test]
    fn a_paused_space_stays_so() {
        let mut space = Space::new(0);
        space.pause();
        space.start(1, 2, false);
        assert_eq!(seen(&space, 10), ("PAUSED".into(), None));
    }

    #[test]
    fn free_hardware_has_its_own_sleep_time() {
        let mut space = Space::new(0);
        space.set_sleep_time(900).unwrap();
        let sleep_time = |space: &Space| space.describe(&repo("docker"), true, 1, false)["gcTimeout"].clone();
        assert_eq!(sleep_time(&space), FREE_SLEEP_SECONDS);
        space.request("t4-small").unwrap();
        assert_eq!(sleep_time(&space), 900);
        space.set_sleep_time(-1).unwrap();
        assert_eq!(sleep_time(&space), Value::Null);
        assert!(space.set_sleep_time(-2).is_err());
    }

    #[test]
    fn storage_grows_and_does_not_shrink() {
        let mut space = Space::new(0);
        space.set_storage("medium").unwrap();
        space.set_storage("large").unwrap();
        assert!(space.set_storage("small").is_err());
        assert!(space.set_storage("huge").is_err());
    }

    #[test]
    fn a_static_space_has_no_hardware() {
        let mut space = Space::new(0);
        space.pause();
        let object = space.describe(&repo("static"), false, 1, false);
        assert_eq!((&object["stage"], object.get("hardware")), (&json!("RUNNING"), None));
    }
}
