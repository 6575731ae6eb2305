//! The disk that forgets is itself proved: a program that does not sync loses what it wrote, and one that does keeps it.

use super::*;
use std::process::Output;
use tempfile::TempDir;

struct Bench {
    disk: Disk,
    data: PathBuf,
    folder: TempDir,
}

impl Bench {
    fn new() -> Result<Self> {
        let folder = TempDir::new()?;
        let data = folder.path().join("data");
        fs::create_dir_all(&data)?;
        fs::write(data.join("old"), "before")?;
        let disk = Disk::new(&data, &folder.path().join("power"))?;
        Ok(Self { disk, data, folder })
    }

    /// Runs a line of the shell in the folder.
    fn shell(&self, line: &str) -> Result<Output> {
        let mut shell = Command::new("sh");
        shell.args(["-e", "-c", line]).current_dir(&self.data).envs(self.disk.environment());
        let output = shell.output()?;
        ensure!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(output)
    }

    fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.data.join(name)).ok()
    }
}

#[test]
fn what_is_not_synced_is_gone_and_what_is_synced_stays() -> Result<()> {
    let bench = Bench::new()?;
    bench.shell("echo lost > lost; echo nameless > nameless; sync nameless; echo after > old")?;
    bench.disk.cut(None)?;
    ensure!(bench.read("lost").is_none() && bench.read("nameless").is_none(), "{:?}", bench.data.read_dir()?.count());
    ensure!(bench.read("old").as_deref() == Some("before"), "{:?}", bench.read("old"));

    bench.shell(
        "echo kept > kept; sync kept; sync .; echo after > old; sync old; echo more >> kept; echo > empty; sync .",
    )?;
    bench.disk.cut(None)?;
    ensure!(bench.read("kept").as_deref() == Some("kept\n"), "{:?}", bench.read("kept"));
    ensure!(bench.read("old").as_deref() == Some("after\n"), "{:?}", bench.read("old"));
    ensure!(bench.read("empty").as_deref() == Some(""), "named, and never synced: {:?}", bench.read("empty"));
    Ok(())
}

#[test]
fn a_name_is_changed_when_its_folder_is_synced_and_not_before() -> Result<()> {
    let bench = Bench::new()?;
    let replace = "echo after > old.new; sync old.new; mv old.new old";
    bench.shell(replace)?;
    bench.disk.cut(None)?;
    ensure!(bench.read("old").as_deref() == Some("before"), "{:?}", bench.read("old"));
    bench.shell(&format!("{replace}; mkdir sub; echo below > sub/file; sync sub/file; sync sub; sync ."))?;
    bench.shell("rm old")?;
    bench.disk.cut(None)?;
    ensure!(
        bench.read("old").as_deref() == Some("after\n") && bench.read("old.new").is_none(),
        "{:?}",
        bench.read("old")
    );
    ensure!(bench.read("sub/file").as_deref() == Some("below\n"), "{:?}", bench.read("sub/file"));
    bench.shell("rm old; sync .; rm -r sub; sync .")?;
    bench.disk.cut(None)?;
    ensure!(bench.data.read_dir()?.next().is_none(), "what was removed is gone");
    Ok(())
}

#[test]
fn a_torn_cut_mixes_pages_and_keeps_what_is_synced() -> Result<()> {
    let bench = Bench::new()?;
    let (mut lost, mut survived) = (0, 0);
    for round in 0..20 {
        bench.shell("head -c 65536 /dev/zero | tr '\\0' a > file; sync file; sync .; head -c 65536 /dev/zero | tr '\\0' b 1<> file")?;
        bench.disk.cut(Some(&mut Chance::of(7, round)))?;
        let text = bench.read("file").context("the synced file")?;
        ensure!(text.len() == 65536 && text.bytes().all(|byte| matches!(byte, b'a' | b'b')), "{} bytes", text.len());
        lost += text.as_bytes().chunks(PAGE).filter(|page| page[0] == b'a').count();
        survived += text.as_bytes().chunks(PAGE).filter(|page| page[0] == b'b').count();
        ensure!(bench.read("old").as_deref() == Some("before"), "{:?}", bench.read("old"));
    }
    ensure!(lost > 50 && survived > 50, "{lost} pages lost, {survived} survived");
    Ok(())
}

#[test]
fn bytes_are_counted_below_the_folder_alone() -> Result<()> {
    let bench = Bench::new()?;
    let write = |bytes, file| format!("dd if=/dev/zero of={file} bs={bytes} count=1 status=none;");
    bench.shell(&[write(70_000, "file"), write(5000, "../elsewhere"), "cat file > /dev/null".into()].concat())?;
    ensure!(bench.disk.written()? == 70_000, "{} bytes", bench.disk.written()?);
    bench.disk.cut(None)?;
    bench.shell(&write(1, "file"))?;
    ensure!(bench.disk.written()? == 70_001, "{} bytes", bench.disk.written()?);
    ensure!(bench.folder.path().join("elsewhere").exists(), "what lies elsewhere is left alone");
    Ok(())
}
