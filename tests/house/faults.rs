//! What befalls an instance from outside: another build of it in the same process, a host that changes rate and block size
//! in mid-song, a saved state that is broken, no network, and being made and unmade again and again.

use crate::support::{
    alone::{House, alone},
    conductor::{Conductor, off, on},
    models::{self, TINY},
    stage::{self, BOTH, Face, open, open_file, playing, says, setup},
    this_test, tunes,
};
use hosts::{
    Event, Rendering, Setup,
    timeline::{BlockSizes, HeardNote, Script},
};

fn tiny() -> House {
    House::with_model(models::untrained(TINY, 3))
}

#[test]
fn two_builds_in_one_process_do_not_meet() {
    alone(&this_test!(), "tiny", tiny, || {
        // A library of another file is another library: it has its own statics, and the same engine beside them. A copy
        // of this build; or, where `REALCHORDS_OTHER` names one, a build of another version, which plays the same.
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("another-build.so");
        let other = std::env::var_os("REALCHORDS_OTHER").map_or_else(stage::library, Into::into);
        std::fs::copy(other, &path).expect("a copy");
        let song = tunes::plain(4, 120.0);
        let prepared = |mut host: Box<dyn hosts::PluginHost>| {
            host.set("listen", "0").expect("it is set");
            host.activate(setup(512, Rendering::Offline)).expect("it activates");
            stage::ready(host.as_mut());
            host
        };
        let play = |host: &mut Box<dyn hosts::PluginHost>| {
            stage::play(host.as_mut(), &song, &Script::whole(&song, BlockSizes::Fixed(512))).notes()
        };
        for face in BOTH {
            let (mut ours, mut other) = (prepared(open(face)), prepared(open_file(face, &path)));
            let first = play(&mut ours);
            assert!(!first.is_empty(), "{face:?}: no chord came");
            assert_eq!(play(&mut other), first, "{face:?}: the other build plays something else");
            drop(ours);
            assert_eq!(play(&mut other), first, "{face:?}: it plays otherwise once the first is gone");
            let mut third = prepared(open(face));
            drop(other);
            assert_eq!(play(&mut third), first, "{face:?}");
        }
        // Both formats of both at the same time.
        let both = |face: Face| [prepared(open(face)), prepared(open_file(face, &path))];
        let mut all: Vec<_> = BOTH.into_iter().flat_map(both).collect();
        let notes: Vec<_> = all.iter_mut().map(play).collect();
        assert!(!notes[0].is_empty() && notes.iter().all(|others| *others == notes[0]), "{notes:?}");
        String::new()
    });
}

#[test]
fn rate_and_block_size_may_change_in_mid_song() {
    alone(&this_test!(), "tiny", tiny, || {
        for face in BOTH {
            let mut host = playing(face, setup(512, Rendering::Realtime), &[("listen", "0")]);
            let mut stand = Conductor::new(host.as_mut(), 120.0);
            stand.transport.playing = true;
            let mut with_chords = 0;
            for (nth, (rate, size)) in
                [(48_000.0, 512), (96_000.0, 64), (44_100.0, 4096), (192_000.0, 17), (48_000.0, 256)]
                    .into_iter()
                    .enumerate()
            {
                let setup = Setup { sample_rate: rate, max_block: size, rendering: Rendering::Realtime };
                stand.host.activate(setup).expect("it activates");
                stand.rate = rate;
                let (begun, key) = (stand.clock, 60 + nth as u8);
                stand.block(size, &[(0, on(key))]);
                while (stand.clock - begun) as f64 / rate < 4.0 {
                    let before = stand.heard.len();
                    // The place of each new note, in frames of the song: on a line, to the sample.
                    let start = stand.transport.beats.expect("a place");
                    let clock = stand.clock;
                    stand.block(size, &[]);
                    for (at, event) in &stand.heard[before..] {
                        if let Event::NoteOn { .. } = event {
                            let beats = start + (at - clock) as f64 / rate * 2.0;
                            let after = beats * 4.0 - (beats * 4.0 + 1e-6).floor();
                            let samples = after / 8.0 * rate;
                            assert!(
                                samples < 1.001,
                                "{face:?} at {rate} Hz: a note {samples} samples after its frame"
                            );
                        }
                    }
                }
                with_chords += u32::from(stand.num_ons_since(begun) > 0);
                stand.block(size, &[(0, off(key))]);
            }
            assert_eq!(with_chords, 5, "{face:?}: not at every rate came a chord");
            stand.stop();
            stand.close();
        }
        String::new()
    });
}

#[test]
fn a_broken_state_costs_itself_alone() {
    alone(&this_test!(), "tiny", tiny, || {
        for face in BOTH {
            let mut host = playing(face, setup(512, Rendering::Offline), &[("listen", "0")]);
            let song = tunes::plain(2, 120.0);
            stage::play(host.as_mut(), &song, &Script::whole(&song, BlockSizes::Fixed(512)));
            let state = [host.save().expect("it saves")];
            let mut refused = 0;
            for copy in 0..400 {
                refused += u32::from(host.load_state(&fuzz::mutated(&state, 0, copy)).is_err());
            }
            assert!(refused > 0, "{face:?}: nothing was broken enough to be refused");
            host.load_state(&state[0]).expect("what it saved itself it takes");
            host.set("listen", "0").expect("it is set");
            host.activate(setup(512, Rendering::Offline)).expect("it activates");
            stage::ready(host.as_mut());
            let notes =
                stage::play(host.as_mut(), &song, &Script::whole(&song, BlockSizes::Fixed(512))).notes();
            assert!(!notes.is_empty(), "{face:?}: no chord came");
            println!("{face:?}: {refused} of 400 broken states refused");
        }
        String::new()
    });
}

fn notes_as_text(notes: &[HeardNote]) -> String {
    notes.iter().map(|n| format!("{} {} {} {}\n", n.channel, n.key, n.on_sample, n.off_sample)).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn without_sockets_it_plays_the_same() {
    let scene = |denied: bool| {
        move || {
            if denied {
                deny_sockets();
            }
            let song = tunes::plain(8, 120.0);
            let mut all = String::new();
            for face in BOTH {
                let mut host = playing(face, setup(512, Rendering::Offline), &[]);
                all += &says(host.as_mut(), "engine");
                let script = Script::whole(&song, BlockSizes::Fixed(512));
                all += &notes_as_text(&stage::play(host.as_mut(), &song, &script).notes());
                host.save().expect("it saves");
            }
            all
        }
    };
    let test = this_test!();
    let free = alone(&test, "free", || House::SHIPPED, scene(false));
    let denied = alone(&test, "denied", || House::SHIPPED, scene(true));
    assert_eq!(free, denied, "it plays otherwise where it has no sockets");
}

/// From here on whoever asks for a socket, in whatever thread, ends this process.
#[cfg(target_os = "linux")]
fn deny_sockets() {
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter_all_threads};
    let deny = |action: SeccompAction| {
        let calls = [libc::SYS_socket, libc::SYS_socketpair, libc::SYS_connect, libc::SYS_bind];
        let rules = calls.into_iter().map(|call| (call, Vec::new())).collect();
        let arch = std::env::consts::ARCH.try_into().expect("an architecture that seccomp knows");
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, action, arch).expect("a filter");
        let program: BpfProgram = filter.try_into().expect("a program");
        apply_filter_all_threads(&program).expect("the kernel takes the filter");
    };
    // First one that only refuses, to see that it holds; then one that kills, so that nothing is tried in secret.
    deny(SeccompAction::Errno(libc::EPERM as u32));
    let refused = std::net::UdpSocket::bind("127.0.0.1:0").expect_err("a socket in spite of the filter");
    assert_eq!(refused.raw_os_error(), Some(libc::EPERM));
    deny(SeccompAction::KillProcess);
}

/// Resident memory of this process in KiB, its threads and its open files.
#[cfg(target_os = "linux")]
fn held() -> [u64; 3] {
    let status = std::fs::read_to_string("/proc/self/status").expect("the system tells");
    let number = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).expect("a line");
        line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).expect("a number")
    };
    let files = std::fs::read_dir("/proc/self/fd").expect("the system tells").count() as u64;
    [number("VmRSS:"), number("Threads:"), files]
}

/// Lives of an instance in each format.
#[cfg(target_os = "linux")]
const LIVES: u32 = 100;
/// What may be held more at the end than after a few lives: what allocators keep for themselves, in KiB.
#[cfg(target_os = "linux")]
const SLACK_KIB: u64 = 16 * 1024;

#[cfg(target_os = "linux")]
#[test]
fn two_hundred_lives_leave_nothing_behind() {
    alone(&this_test!(), "tiny", tiny, || {
        let live = |face: Face| {
            let mut host = playing(face, setup(512, Rendering::Realtime), &[("listen", "0")]);
            let mut stand = Conductor::new(host.as_mut(), 240.0);
            stand.until_chords_sound();
            stand.stop();
            stand.close();
        };
        for face in BOTH {
            for _ in 0..10 {
                live(face);
            }
            let before = held();
            for _ in 0..LIVES {
                live(face);
            }
            let after = held();
            println!(
                "{face:?}: {LIVES} lives; memory {} to {} KiB, threads {} to {}, files {} to {}",
                before[0], after[0], before[1], after[1], before[2], after[2]
            );
            assert!(after[0] <= before[0] + SLACK_KIB, "{face:?}: memory grows");
            assert_eq!(before[1..], after[1..], "{face:?}: threads or files are left behind");
        }
        String::new()
    });
}
