//! Who says when a forecast was made.

use std::path::{Path, PathBuf};

use chaos_agency::calendar::moment;
use chaos_programs::{
    ChainView, Reader, Silent,
    appraisal::{Appraiser, known_anchors},
    check,
    forecasting::kept,
};
use chaos_simulation::forecast::Forecast;

use crate::{
    clock,
    exit::{Failure, Kind, OrFail as _},
    kinds::KINDS,
};

/// Most bytes of a bundle: 16 MiB.
const BUNDLE_BYTES_MAX: usize = 16 << 20;

/// Who says when a forecast was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dated {
    /// A log took it in then, in milliseconds since 1970.
    ByLog(u64),
    /// A log took it in when its first block was there.
    Late(u64),
    /// No receipt of it lies beside it.
    Nobody,
    /// It was made of blocks that were there.
    Hindcast,
}

impl Dated {
    /// What the bundle beside a forecast's file says. One that is not accepted, or is of another forecast, is refused:
    /// whoever put it there claims what it does not show.
    pub(super) fn of(path: &Path, forecast: &Forecast) -> Result<Self, Failure> {
        let Some(beside) = bundle_of(path) else { return Ok(Self::Nobody) };
        let bytes = chaos_files::read(&beside, BUNDLE_BYTES_MAX).or_fail(Kind::Input)?;
        let reader = Reader {
            log: None,
            policy: None,
            now_ms: Some(clock::now_ms()),
            copy: None,
            kinds: KINDS,
            chain: ChainView::default(),
        };
        let appraiser = Appraiser::new(known_anchors(), None, None);
        let report = check(&bytes, reader, &appraiser, None, &Silent);
        if let Err(rejection) = &report.result {
            let text = format!("{}: {rejection}", beside.display());
            return Err(Failure::message(Kind::Check, text).hint(
                "`chaoschain verify` says more of it; without it the forecast is not dated",
            ));
        }
        let logged = kept::logged(forecast, &report).map_err(chaos_programs::Error::from);
        match logged.map_err(|error| Failure::from(error).context(beside.display()))? {
            Some(logged_ms) => Ok(Self::ByLog(logged_ms)),
            None => Ok(Self::Nobody),
        }
    }

    /// Whether the log dates it before its first block.
    pub(super) const fn held_to(self, first_ms: u64) -> Self {
        match self {
            Self::ByLog(logged_ms) if logged_ms >= first_ms => Self::Late(logged_ms),
            other => other,
        }
    }

    /// In a word, for scripts.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::ByLog(_) => "by_log",
            Self::Late(_) => "late",
            Self::Nobody => "not_dated",
            Self::Hindcast => "hindcast",
        }
    }

    pub(super) const fn logged_ms(self) -> Option<u64> {
        match self {
            Self::ByLog(ms) | Self::Late(ms) => Some(ms),
            Self::Nobody | Self::Hindcast => None,
        }
    }

    pub(super) fn sentence(self) -> String {
        match self {
            Self::ByLog(ms) => format!(
                "dated by the log: logged {}, before its first block, in the log that its bundle names; `chaoschain \
                 verify BUNDLE --log VKEY` says whether that is one you trust",
                moment(ms)
            ),
            Self::Late(ms) => format!(
                "a hindcast: logged {}, when its first block was there already",
                moment(ms)
            ),
            Self::Nobody => {
                "not dated: no bundle of its receipt lies beside it, so that it may have been made when its blocks \
                 were there"
                    .to_owned()
            }
            Self::Hindcast => {
                "a hindcast: its blocks were there when it was made, so it tests the model and shows no foresight"
                    .to_owned()
            }
        }
    }
}

/// The bundle beside a forecast's file: that of the forecast, or of the study in whose folder it lies.
fn bundle_of(path: &Path) -> Option<PathBuf> {
    let own = path.with_extension("bundle.json");
    let of_study = path
        .file_name()
        .filter(|name| *name == "forecast.json")
        .map(|_| path.with_file_name("bundle.json"));
    [Some(own), of_study].into_iter().flatten().find(|bundle| bundle.is_file())
}
