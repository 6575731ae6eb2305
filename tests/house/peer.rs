//! The peers of the black-box tests: the built binary, brokers and databases, each started on a free port of the
//! loopback interface in a folder of its own, and ended by its own process id when it is dropped.
//!
//! A peer keeps what it printed. Where a test panics, the end of it is shown; `Process::log` gives all of it.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// How long a server may take until it answers, on a machine that builds something else at the same time.
pub(crate) const START: Duration = Duration::from_secs(60);
/// How long a process may take to end after it was asked to: devices are given back at their own pace.
const STOP: Duration = Duration::from_secs(70);
/// How often a condition is looked at.
const GLANCE: Duration = Duration::from_millis(50);
/// How much of a log is shown when a test fails.
const TAIL: usize = 6000;

/// The built `heatmine`: the one that `HEATMINE_BINARY` names, which `./run` took for this checkout alone, or else the one next
/// to the test binary's folder.
pub(crate) fn binary() -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    let folder = test.parent().and_then(Path::parent).context("the test binary lies in no target folder")?;
    let path = std::env::var_os("HEATMINE_BINARY").map_or_else(|| folder.join("heatmine"), PathBuf::from);
    if !path.exists() {
        bail!("{} is missing: build the workspace first (cargo build --workspace)", path.display());
    }
    Ok(path)
}

/// What chance is made of: `HEATMINE_SEED`, so that a run can be repeated, or else another each time. It is printed.
pub(crate) fn seed() -> u64 {
    let given = std::env::var("HEATMINE_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| RandomState::new().hash_one(0));
    eprintln!("HEATMINE_SEED={seed}");
    seed
}

/// The root of the workspace.
pub(crate) fn workspace() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    folder.parent().unwrap_or(folder).to_path_buf()
}

/// A port that was free a moment ago and that no other test of this run was given. Tests run in processes of their own: each
/// begins to look at another place, below the ports that the kernel gives to whoever connects.
pub(crate) fn free_port() -> Result<u16> {
    const PORTS: std::ops::Range<u32> = 12_000..32_000;
    /// More than one test takes.
    const STRIDE: u32 = 40;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    for _ in 0..PORTS.len() {
        let turn = std::process::id() * STRIDE + NEXT.fetch_add(1, Ordering::Relaxed);
        let port = u16::try_from(PORTS.start + turn % (PORTS.end - PORTS.start))?;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port found")
}

/// The program's path; `None`, said loudly, where this machine does not have it: the test is then skipped.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    let found = folders.into_iter().map(|folder| folder.join(name)).find(|file| file.is_file());
    if found.is_none() {
        eprintln!("SKIPPED: the program {name} is not installed (./run setup installs it)");
    }
    found
}

/// An HTTP client for the loopback interface. Its process-wide TLS provider is chosen on first use.
pub(crate) fn client() -> Result<reqwest::Client> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // An error says that a provider is already there, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    Ok(reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build()?)
}

/// Looks again and again until `look` finds something, at most for `limit`; `what` completes "waited for".
pub(crate) async fn wait_until<T>(limit: Duration, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> Result<T> {
    let found = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(GLANCE).await;
        }
    };
    match tokio::time::timeout(limit, found).await {
        Ok(found) => Ok(found),
        Err(_) => bail!("waited {} s in vain for {what}", limit.as_secs()),
    }
}

/// A started program with its own log file.
pub(crate) struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with no input; what it prints is added to `log`.
    pub(crate) fn start(name: &str, mut command: Command, log: &Path) -> Result<Self> {
        let out = File::options().create(true).append(true).open(log)?;
        command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        Ok(Self { name: name.to_owned(), child, log: log.to_path_buf() })
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has printed so far.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Its exit status; `None` while it runs.
    pub(crate) fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Ends it at once, as a power cut would (signal 9).
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end (signal 15) and waits until it has.
    pub(crate) async fn stop(&mut self) -> Result<ExitStatus> {
        self.signal("TERM")?;
        let name = format!("the end of {}", self.name);
        let child = &mut self.child;
        wait_until(STOP, &name, async || child.try_wait().ok().flatten()).await
    }

    /// Sends a signal by name: "STOP" freezes it, "CONT" lets it go on.
    pub(crate) fn signal(&self, signal: &str) -> Result<()> {
        let status = Command::new("kill").arg(format!("-{signal}")).arg(self.id().to_string()).status()?;
        if !status.success() {
            bail!("cannot send {signal} to {}", self.name);
        }
        Ok(())
    }

    /// The last lines of its log, for a message.
    pub(crate) fn tail(&self) -> String {
        let log = self.log();
        let start = log.char_indices().rev().nth(TAIL).map_or(0, |(index, _)| index);
        format!("--- the last words of {} ---\n{}\n---", self.name, &log[start..])
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.exited().is_none() {
            let _ = self.signal("TERM");
            let steps = STOP.as_millis() / GLANCE.as_millis();
            for _ in 0..steps {
                if self.exited().is_some() {
                    break;
                }
                std::thread::sleep(GLANCE);
            }
            let _ = self.kill();
        }
        if std::thread::panicking() {
            eprintln!("{}", self.tail());
        }
    }
}

/// The real Mosquitto on the loopback interface.
pub(crate) struct Mosquitto {
    /// Where it listens.
    pub port: u16,
    /// The running broker.
    pub process: Process,
    folder: TempDir,
}

impl Mosquitto {
    /// Starts a broker without a password; `None` where Mosquitto is not installed.
    pub(crate) async fn start() -> Result<Option<Self>> {
        Self::start_with("allow_anonymous true\n", TempDir::new()?).await
    }

    /// Starts a broker that lets nobody in but this user; `None` where Mosquitto is not installed.
    pub(crate) async fn start_for(user: &str, password: &str) -> Result<Option<Self>> {
        let (folder, Some(program)) = (TempDir::new()?, program("mosquitto_passwd")) else { return Ok(None) };
        let file = folder.path().join("passwords");
        let status = Command::new(program).arg("-b").arg("-c").arg(&file).args([user, password]).status()?;
        anyhow::ensure!(status.success(), "mosquitto_passwd: {status}");
        // A broker that root starts becomes another user, who has to read this.
        for path in [folder.path(), &file] {
            std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        }
        let settings = format!("allow_anonymous false\npassword_file {}\n", file.display());
        Self::start_with(&settings, folder).await
    }

    async fn start_with(settings: &str, folder: TempDir) -> Result<Option<Self>> {
        let Some(program) = program("mosquitto") else { return Ok(None) };
        let port = free_port()?;
        let config = format!("listener {port} 127.0.0.1\npersistence false\n{settings}");
        std::fs::write(folder.path().join("mosquitto.conf"), config)?;
        let process = Self::spawn(&program, folder.path())?;
        let mosquitto = Self { port, process, folder };
        mosquitto.wait().await?;
        Ok(Some(mosquitto))
    }

    /// Starts it again on the same port after `process` was stopped or killed.
    pub(crate) async fn restart(&mut self) -> Result<()> {
        let program = program("mosquitto").context("mosquitto went away")?;
        self.process = Self::spawn(&program, self.folder.path())?;
        self.wait().await
    }

    /// Its address as `mqtt://host:port`.
    pub(crate) fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    fn spawn(program: &Path, folder: &Path) -> Result<Process> {
        let file = folder.join("mosquitto.conf");
        let mut command = Command::new(program);
        command.arg("-c").arg(&file);
        Process::start("mosquitto", command, &folder.join("mosquitto.log"))
    }

    async fn wait(&self) -> Result<()> {
        let port = self.port;
        wait_until(START, "mosquitto", async || tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok())
            .await
            .map(drop)
    }
}

/// A running `heatmine demo`: the simulated house, its devices, the engine, the page.
pub(crate) struct Demo {
    /// Where its page and its API are, without a slash at the end.
    pub http: String,
    /// The running gateway.
    pub process: Process,
    /// Its data folder.
    pub data: PathBuf,
    arguments: Vec<String>,
    // Held so that the folder goes away with the demo.
    _folder: Option<TempDir>,
}

impl Demo {
    /// Starts the demo in a fresh folder with more `arguments`, and waits until it has decided for the first time.
    pub(crate) async fn start(arguments: &[&str]) -> Result<Self> {
        let folder = TempDir::new()?;
        let mut demo = Self::start_in(folder.path(), arguments).await?;
        demo._folder = Some(folder);
        Ok(demo)
    }

    /// The same in a folder that outlives the demo.
    pub(crate) async fn start_in(folder: &Path, arguments: &[&str]) -> Result<Self> {
        let port = free_port()?;
        let mut all = vec!["demo".to_owned(), "--http".to_owned(), format!("127.0.0.1:{port}")];
        all.extend(["--data".to_owned(), folder.display().to_string()]);
        all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        let process = Self::spawn(&all, folder)?;
        let http = format!("http://127.0.0.1:{port}");
        let mut demo = Self { http, process, data: folder.to_path_buf(), arguments: all, _folder: None };
        demo.wait().await?;
        Ok(demo)
    }

    /// Starts it again with the same data and addresses after `process` was stopped or killed.
    pub(crate) async fn restart(&mut self) -> Result<()> {
        self.process = Self::spawn(&self.arguments, &self.data)?;
        self.wait().await
    }

    /// The newest record; `None` until there is one.
    pub(crate) async fn record(&self) -> Option<Value> {
        self.get("/api/v1/record").await.ok().filter(Value::is_object)
    }

    /// The JSON of a path of its API.
    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        let response = client()?.get(format!("{}{path}", self.http)).send().await?;
        Ok(response.error_for_status()?.json().await?)
    }

    fn spawn(arguments: &[String], folder: &Path) -> Result<Process> {
        let mut command = Command::new(binary()?);
        command.args(arguments).env("NO_COLOR", "1").current_dir(folder);
        if std::env::var_os("RUST_LOG").is_none() {
            command.env("RUST_LOG", "info");
        }
        Process::start("heatmine demo", command, &folder.join("demo.log"))
    }

    async fn wait(&mut self) -> Result<()> {
        let client = client()?;
        for (path, what) in [("/health", "the demo's page"), ("/api/v1/record", "the demo's first decision")] {
            let url = format!("{}{path}", self.http);
            let process = &mut self.process;
            let answer = wait_until(START, what, async || {
                if let Some(status) = process.exited() {
                    return Some(Err(status));
                }
                let response = client.get(&url).send().await.ok()?;
                (response.status() == reqwest::StatusCode::OK).then_some(Ok(()))
            })
            .await;
            match answer {
                Ok(Ok(())) => {}
                Ok(Err(status)) => bail!("the demo ended ({status}) before it was there\n{}", self.process.tail()),
                Err(error) => return Err(error.context(self.process.tail())),
            }
        }
        Ok(())
    }
}
