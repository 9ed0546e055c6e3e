//! The whole house under one roof: the built plugin in real CLAP and VST3 hosts, models from the trainer, and what
//! both sides promise each other. Every scene that opens the plugin runs in a process of its own.

#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod bounce;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod bundle;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod frozen;
#[cfg(test)]
mod live_session;
#[cfg(test)]
mod parity;
#[cfg(test)]
mod robustness;
#[cfg(test)]
mod rollout;
#[cfg(test)]
mod support;
#[cfg(test)]
mod timing;
#[cfg(test)]
mod transport;
#[cfg(test)]
mod voice_leading;
#[cfg(test)]
mod whole_house;
