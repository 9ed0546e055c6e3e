//! What the player's switches mean: a switch is on while it is down, or, when they latch, switched over by each press.
//! Presses of Next, Re-roll, Undo and Panic count once each, when they go down. Audio thread. Fixed size.

use super::block::{Presses, Switches};

/// What stands after a block's switches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// The chord that sounds goes on.
    pub hold: bool,
    /// Chords are silent.
    pub mute: bool,
    /// The next chord comes now: pressed in this block.
    pub next: bool,
    /// Another plan: how often pressed in this block.
    pub rerolls: u32,
    /// The plan before: how often pressed in this block.
    pub undos: u32,
    /// All notes end: pressed in this block.
    pub panic: bool,
}

/// Remembers the switches of the block before, and what latches.
#[derive(Clone, Debug, Default)]
pub struct Console {
    /// What was pressed up to the block before; none where the next block is the first.
    before: Option<Presses>,
    latching: bool,
    hold: bool,
    mute: bool,
}

impl Console {
    /// The next block is the first: what is down by then was not pressed under our eyes, and is no press. What is latched
    /// stays so, because hosts begin anew where a player asked for nothing (another sample rate, a stop).
    pub fn begin(&mut self) {
        self.before = None;
    }

    /// A block's switches.
    pub fn take(&mut self, switches: Switches) -> Wishes {
        let before = self.before.replace(switches.presses).unwrap_or(switches.presses);
        let pressed = switches.presses.since(before);
        let was_latching = std::mem::replace(&mut self.latching, switches.latching);
        let stands = |on: bool, is_down: bool, presses: u32| match was_latching && switches.latching {
            true => on ^ (presses % 2 == 1),
            // As a switch begins to latch or ends to, it stands where it is seen to stand.
            false => is_down,
        };
        self.hold = stands(self.hold, switches.hold, pressed.hold);
        self.mute = stands(self.mute, switches.mute, pressed.mute);
        Wishes {
            hold: self.hold,
            mute: self.mute,
            next: pressed.next > 0,
            rerolls: pressed.reroll,
            undos: pressed.undo,
            panic: pressed.panic > 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A console that has seen a block, and what is counted by then.
    fn begun(latching: bool) -> (Console, Switches) {
        let (mut console, switches) = (Console::default(), Switches { latching, ..Switches::default() });
        console.take(switches);
        (console, switches)
    }

    fn holds(latching: bool, downs: &[bool]) -> Vec<bool> {
        let (mut console, mut switches) = begun(latching);
        let mut take = |hold: &bool| {
            switches.presses.hold += u32::from(*hold && !switches.hold);
            switches.hold = *hold;
            console.take(switches).hold
        };
        downs.iter().map(&mut take).collect()
    }

    #[test]
    fn momentary_and_latching() {
        let downs = [true, true, false, false, true, false];
        assert_eq!(holds(false, &downs), downs);
        assert_eq!(holds(true, &downs), [true, true, true, true, false, false]);
    }

    #[test]
    fn a_press_counts_once_however_short_it_is() {
        let (mut console, switches) = begun(false);
        let presses = Presses { next: 1, reroll: 2, undo: 1, panic: 1, ..Presses::default() };
        let pressed = console.take(Switches { presses, ..switches });
        assert!(pressed.next && pressed.panic);
        assert_eq!((pressed.rerolls, pressed.undos), (2, 1));
        assert_eq!(console.take(Switches { presses, ..switches }), Wishes::default());
        // A tap within a block latches, and two of them leave it.
        for (taps, holds) in [(1, true), (2, false)] {
            let (mut console, mut switches) = begun(true);
            switches.presses.hold += taps;
            assert_eq!(console.take(switches).hold, holds);
        }
    }

    #[test]
    fn what_is_down_as_we_begin_is_no_press_and_what_is_latched_stays() {
        let down = Presses { hold: 3, mute: 1, next: 7, reroll: 8, undo: 2, panic: 1 };
        let mut console = Console::default();
        let standing = Switches { presses: down, ..Switches::default() };
        assert_eq!(console.take(standing), Wishes::default());
        let (mut console, mut switches) = begun(true);
        switches.presses.hold += 1;
        assert!(console.take(switches).hold);
        console.begin();
        switches.presses = down;
        assert_eq!(console.take(switches), Wishes { hold: true, ..Wishes::default() });
        switches.presses.reroll += 1;
        assert_eq!(console.take(switches).rerolls, 1);
    }

    #[test]
    fn a_change_of_latching_leaves_what_is_seen() {
        let mut console = Console::default();
        let held = Switches { hold: true, ..Switches::default() };
        assert!(console.take(held).hold);
        assert!(console.take(Switches { latching: true, ..held }).hold);
        assert!(console.take(Switches { latching: true, ..Switches::default() }).hold);
        assert!(!console.take(Switches::default()).hold);
    }
}
