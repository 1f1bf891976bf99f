//! Where a published log is read from: over HTTP, or from a folder.

use std::{
    fmt, fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Once,
    time::Duration,
};

use chaos_log::{TILE_WIDTH, TilePath};
use chaos_store::Stored;
use reqwest::{Client, StatusCode, Url, header, redirect};

use crate::{
    published::{Publication, PublishError, Published},
    resource::Resource,
};

/// How long a server is waited for.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// A server that says nothing for this long is given up.
    silence_max: Duration,
    /// An answer takes at most this long, however it comes.
    answer_time_max: Duration,
    /// All that a mirror asks for in one round takes at most this long.
    round_time_max: Duration,
}

const PATIENCE: Patience = Patience {
    silence_max: Duration::from_secs(20),
    answer_time_max: Duration::from_secs(120),
    round_time_max: Duration::from_secs(3_600),
};

/// How often a request is made before its failure is told.
const ATTEMPTS_MAX: u32 = 3;

/// The pause before the second attempt; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(200);

/// A published log that is somebody else's. What it answers is held against nothing but its length.
#[derive(Debug)]
pub struct Source(Kind);

#[derive(Debug)]
enum Kind {
    Http { client: Client, prefix: Url, round_time_max: Duration },
    Folder(PathBuf),
    Data(PathBuf, Box<Published>),
}

/// Why something was not read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The text is no URL that a log can be at.
    #[error("`{found}` is no http:// or https:// URL of a log")]
    Url {
        /// The text.
        found: String,
    },
    /// No client can be made.
    #[error("cannot make an HTTP client")]
    Client(#[source] reqwest::Error),
    /// It is not there.
    #[error("{asked} is not published")]
    Absent {
        /// What was asked for.
        asked: Resource,
    },
    /// The server answers with another status than 200; redirects are not followed.
    #[error("{asked}: the server answers {status}")]
    Status {
        /// What was asked for.
        asked: Resource,
        /// The status.
        status: StatusCode,
    },
    /// The body is encoded although nobody asked for that.
    #[error("{asked}: the body is encoded as `{encoding}`, and only plain bodies are read")]
    Encoded {
        /// What was asked for.
        asked: Resource,
        /// What the server calls the encoding.
        encoding: String,
    },
    /// The body is longer than what was asked for can be.
    #[error("{asked}: the body is longer than {bytes_max} bytes, the limit")]
    TooLong {
        /// What was asked for.
        asked: Resource,
        /// The limit in bytes.
        bytes_max: usize,
    },
    /// The server cannot be reached, or ends in the middle of an answer.
    #[error("{asked}: cannot be fetched")]
    Http {
        /// What was asked for.
        asked: Resource,
        /// What went wrong.
        #[source]
        source: reqwest::Error,
    },
    /// A file cannot be read.
    #[error("cannot read `{path}`", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A data directory cannot be read.
    #[error("cannot read `{path}`", path = path.display())]
    Data {
        /// The data directory.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<PublishError>,
    },
}

impl SourceError {
    /// Whether the other side has answered, and what came is not what a log answers.
    pub(crate) const fn is_answer(&self) -> bool {
        match self {
            // Where there is no checkpoint, there is no log.
            Self::Absent { asked } => !matches!(asked, Resource::Checkpoint),
            Self::Encoded { .. } | Self::TooLong { .. } => true,
            Self::Url { .. }
            | Self::Client(_)
            | Self::Status { .. }
            | Self::Http { .. }
            | Self::File { .. }
            | Self::Data { .. } => false,
        }
    }
}

/// What was read where part of a tile was asked for.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) bytes: Vec<u8>,
    is_whole: bool,
}

impl Part {
    /// How many hashes, leaves or receipts there are in it.
    pub(crate) fn width(&self, path: &TilePath) -> usize {
        usize::from(if self.is_whole { TILE_WIDTH } else { path.width() })
    }
}

impl Source {
    /// A log at a URL: its prefix, to which paths such as `checkpoint` are added.
    ///
    /// # Errors
    /// If the text is no such URL.
    pub fn http(text: &str) -> Result<Self, SourceError> {
        Self::patient(text, PATIENCE)
    }

    fn patient(text: &str, patience: Patience) -> Result<Self, SourceError> {
        let invalid = || SourceError::Url { found: text.chars().take(200).collect() };
        let mut prefix = Url::parse(text).map_err(|_| invalid())?;
        let host = prefix.host_str().map(str::to_owned);
        let usable = matches!(prefix.scheme(), "http" | "https")
            && prefix.query().is_none()
            && prefix.fragment().is_none();
        let host = host.filter(|_| usable).ok_or_else(invalid)?;
        if !prefix.path().ends_with('/') {
            prefix.set_path(&format!("{}/", prefix.path()));
        }
        provide_cryptography();
        let mut builder = Client::builder()
            .connect_timeout(patience.silence_max)
            .read_timeout(patience.silence_max)
            .timeout(patience.answer_time_max)
            .redirect(redirect::Policy::none());
        if matches!(host.as_str(), "127.0.0.1" | "localhost" | "[::1]") {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(SourceError::Client)?;
        let round_time_max = patience.round_time_max;
        Ok(Self(Kind::Http { client, prefix, round_time_max }))
    }

    /// A log in a folder that an export wrote.
    #[must_use]
    pub fn folder(path: &Path) -> Self {
        Self(Kind::Folder(path.to_owned()))
    }

    /// A log in the data directory of a mirror.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn data(path: &Path, publication: Publication) -> Result<Self, SourceError> {
        let path = path.to_owned();
        match Published::open(&path, publication) {
            Ok(published) => Ok(Self(Kind::Data(path, Box::new(published)))),
            Err(source) => Err(SourceError::Data { path, source: Box::new(source) }),
        }
    }

    /// How long a round of questions may take: an answer that drips is still an answer, and a server
    /// that drips them all would hold its reader for weeks.
    pub(crate) const fn round_time_max(&self) -> Duration {
        match &self.0 {
            Kind::Http { round_time_max, .. } => *round_time_max,
            Kind::Folder(_) | Kind::Data(..) => PATIENCE.round_time_max,
        }
    }

    /// The bytes of what is published, no more than it can have.
    ///
    /// # Errors
    /// If it is not published, or cannot be read.
    pub(crate) async fn get(&self, asked: &Resource) -> Result<Vec<u8>, SourceError> {
        self.get_once(asked).await
    }

    /// The bytes of a tile, of a bundle or of its records, and of which: part of a tile that is no longer
    /// published is read from the whole.
    ///
    /// # Errors
    /// As [`Source::get`].
    pub(crate) async fn get_part(&self, asked: Resource) -> Result<Part, SourceError> {
        let bytes = self.get_once(&asked).await;
        match (bytes, asked.whole()) {
            (Err(SourceError::Absent { .. }), Some(whole)) => match self.get_once(&whole).await {
                Err(SourceError::Absent { .. }) => Err(SourceError::Absent { asked }),
                answer => Ok(Part { bytes: answer?, is_whole: true }),
            },
            (bytes, _) => Ok(Part { bytes: bytes?, is_whole: false }),
        }
    }

    /// How many entries lie in a data directory that is read on this machine, whatever its head covers.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn stored_size(&self) -> Result<Option<u64>, SourceError> {
        match &self.0 {
            Kind::Data(path, published) => match published.stored_size() {
                Ok(size) => Ok(Some(size)),
                Err(source) => Err(unreadable(path, source)),
            },
            Kind::Http { .. } | Kind::Folder(_) => Ok(None),
        }
    }

    /// An entry as it lies in a data directory that is read on this machine, held against nothing.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn stored(&self, index: u64) -> Result<Option<Stored>, SourceError> {
        match &self.0 {
            Kind::Data(path, published) => {
                published.stored(index).map_err(|source| unreadable(path, source))
            }
            Kind::Http { .. } | Kind::Folder(_) => Ok(None),
        }
    }

    async fn get_once(&self, asked: &Resource) -> Result<Vec<u8>, SourceError> {
        match &self.0 {
            Kind::Http { client, prefix, .. } => fetch(client, prefix, asked).await,
            Kind::Folder(folder) => read(&folder.join(asked.to_string()), asked),
            Kind::Data(path, published) => match published.answer(asked) {
                Ok(Some(bytes)) => Ok(bytes),
                Ok(None) => Err(SourceError::Absent { asked: *asked }),
                Err(source) => Err(unreadable(path, source)),
            },
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            // A user and a password in a URL are nobody's to see.
            Kind::Http { prefix, .. } => {
                let port = prefix.port().map(|port| format!(":{port}")).unwrap_or_default();
                let host = prefix.host_str().unwrap_or_default();
                write!(f, "{}://{host}{port}{}", prefix.scheme(), prefix.path())
            }
            Kind::Folder(path) | Kind::Data(path, _) => write!(f, "{}", path.display()),
        }
    }
}

fn unreadable(path: &Path, source: PublishError) -> SourceError {
    SourceError::Data { path: path.to_owned(), source: Box::new(source) }
}

/// Fetches, and tries again where the way there failed.
async fn fetch(client: &Client, prefix: &Url, asked: &Resource) -> Result<Vec<u8>, SourceError> {
    let mut pause = PAUSE;
    for _ in 1..ATTEMPTS_MAX {
        match fetch_once(client, prefix, asked).await {
            // A connection that was kept may have been closed just now.
            Err(SourceError::Http { source, .. })
                if !source.is_timeout() && (source.is_connect() || source.is_request()) =>
            {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            answer => return answer,
        }
    }
    fetch_once(client, prefix, asked).await
}

async fn fetch_once(
    client: &Client,
    prefix: &Url,
    asked: &Resource,
) -> Result<Vec<u8>, SourceError> {
    let url = prefix
        .join(&asked.to_string())
        .map_err(|_| SourceError::Url { found: prefix.to_string() })?;
    let failed =
        |source: reqwest::Error| SourceError::Http { asked: *asked, source: source.without_url() };
    // Nothing is unpacked here: what was asked for has a limit, and packed it would have none.
    let mut answer =
        client.get(url).header(header::ACCEPT_ENCODING, "identity").send().await.map_err(failed)?;
    match answer.status() {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND | StatusCode::GONE => {
            return Err(SourceError::Absent { asked: *asked });
        }
        status => return Err(SourceError::Status { asked: *asked, status }),
    }
    if let Some(encoding) = answer.headers().get(header::CONTENT_ENCODING)
        && encoding != "identity"
    {
        let encoding = String::from_utf8_lossy(encoding.as_bytes()).chars().take(80).collect();
        return Err(SourceError::Encoded { asked: *asked, encoding });
    }
    let bytes_max = asked.bytes_max();
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(failed)? {
        if body.len() + part.len() > bytes_max {
            return Err(SourceError::TooLong { asked: *asked, bytes_max });
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

fn read(path: &Path, asked: &Resource) -> Result<Vec<u8>, SourceError> {
    let failed = |source| SourceError::File { path: path.to_owned(), source };
    let bytes_max = asked.bytes_max();
    match fs::metadata(path) {
        Ok(found) if found.is_file() => {}
        Ok(_) => return Err(SourceError::Absent { asked: *asked }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(SourceError::Absent { asked: *asked });
        }
        Err(error) => return Err(failed(error)),
    }
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(bytes_max as u64 + 1).read_to_end(&mut bytes))
        .map_err(failed)?;
    if bytes.len() > bytes_max {
        return Err(SourceError::TooLong { asked: *asked, bytes_max });
    }
    Ok(bytes)
}

/// The one library of cryptography for TLS, unless the program has chosen.
pub(crate) fn provide_cryptography() {
    static PROVIDED: Once = Once::new();
    PROVIDED.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
}

#[cfg(test)]
mod tests;
