//! `sse-sim mount VOL DIR` and `umount DIR`: instance, attachment, loop device, file system and mount, as needed.
//!
//! What `mount` did is written down under the runtime folder; `umount` undoes that and no more, so an attachment that
//! existed before stays. A volume that is attached already is found through the control plane, so that using a disk
//! leaves no line in the audit trail.

mod ec2;
mod host;
mod note;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::Value;

use crate::commands;
use crate::exit::{MISSING, coded};
use crate::flags::{Endpoint, MountFlags, UmountFlags};
use ec2::Ec2;
use note::Note;

/// How often the device file is looked for after an attachment, 50 ms apart.
const DEVICE_TRIES: u32 = 100;

/// Mounts a volume.
pub async fn mount(flags: &MountFlags) -> anyhow::Result<ExitCode> {
    host::require_root()?;
    let mut note = Note::begin(&flags.dir, &flags.volume, &flags.endpoint)?;
    match raise(flags, &mut note).await {
        Ok(()) => {
            writeln!(std::io::stdout(), "{} on {}", flags.volume, note.dir.display())?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            // Half a mount is worse than none: what was done so far is undone, and the first error is the one to tell.
            if let Err(undoing) = lower(&note).await {
                eprintln!("sse-sim: while undoing: {undoing}");
            }
            Err(error)
        }
    }
}

/// Undoes a mount.
pub async fn umount(flags: &UmountFlags) -> anyhow::Result<ExitCode> {
    host::require_root()?;
    let note = Note::read(&flags.dir)?;
    lower(&note).await?;
    Ok(ExitCode::SUCCESS)
}

async fn raise(flags: &MountFlags, note: &mut Note) -> anyhow::Result<()> {
    let device = match device_of(&flags.endpoint, &flags.volume).await? {
        Some(device) => device,
        None => attach(flags, note).await?,
    };
    note.loop_device = Some(host::loop_up(&device)?);
    note.write()?;
    let loop_device = note.loop_device.as_deref().unwrap_or_default();
    host::make_file_system_if_blank(loop_device, &flags.fs)?;
    host::mount(loop_device, &note.dir)?;
    note.mounted = true;
    note.write()
}

async fn attach(flags: &MountFlags, note: &mut Note) -> anyhow::Result<PathBuf> {
    let ec2 = Ec2::from_environment(&flags.endpoint)?;
    let zone = ec2.zone_of(&flags.volume).await?;
    let instance = match ec2.running_instance(&zone).await? {
        Some(instance) => instance,
        None => {
            let instance = ec2.run_instance(&zone).await?;
            note.instance = Some(instance.clone());
            note.write()?;
            instance
        }
    };
    ec2.attach(&flags.volume, &instance).await?;
    note.attached = true;
    note.write()?;
    await_device(&flags.endpoint, &flags.volume).await
}

async fn await_device(endpoint: &Endpoint, volume: &str) -> anyhow::Result<PathBuf> {
    for _ in 0..DEVICE_TRIES {
        if let Some(device) = device_of(endpoint, volume).await? {
            return Ok(device);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(no_device_file(&commands::get(endpoint, "/_sim/health").await?))
}

/// The device file of an attached volume; `None` when it is not attached.
async fn device_of(endpoint: &Endpoint, volume: &str) -> anyhow::Result<Option<PathBuf>> {
    let health = commands::get(endpoint, "/_sim/health").await?;
    let attached = health["ebs"]["devices"].as_array().into_iter().flatten().find(|entry| entry["volume"] == volume);
    match attached {
        None => Ok(None),
        Some(entry) => match entry["path"].as_str() {
            Some(path) => Ok(Some(path.into())),
            None => Err(no_device_file(&health)),
        },
    }
}

fn no_device_file(health: &Value) -> anyhow::Error {
    let why = health["ebs"]["fuse"]["reason"].as_str().unwrap_or("the server serves no device files");
    coded(
        MISSING,
        format!(
            "there is no device file for the volume: {why}.\nInstall fuse3 and start the server where /dev/fuse exists (sse-sim up --fuse auto)."
        ),
    )
}

/// Takes down what the note says was put up, last thing first.
async fn lower(note: &Note) -> anyhow::Result<()> {
    if note.mounted {
        host::unmount(&note.dir)?;
    }
    if let Some(loop_device) = &note.loop_device {
        host::loop_down(loop_device)?;
    }
    if note.attached || note.instance.is_some() {
        let ec2 = Ec2::from_environment(&note.endpoint())?;
        if note.attached {
            ec2.detach(&note.volume).await?;
        }
        if let Some(instance) = &note.instance {
            ec2.terminate(instance).await?;
        }
    }
    note.forget()
}
