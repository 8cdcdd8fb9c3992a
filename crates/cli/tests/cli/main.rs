//! The command from outside: the story of the README, the configuration, kills at every system call, random documents
//! exchanged with the reference. Lower levels are tested where they live.

mod automation;
mod changes;
mod config;
mod differential;
mod differential_edits;
mod edit;
mod exec;
mod full_disk;
mod generator;
mod groups;
mod keysources;
mod kustomize;
mod plugins;
mod real;
mod secrets;
mod story;
mod suite;
mod torn;
mod typing;
mod usability;
mod world;
