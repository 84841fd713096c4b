//! Help, messages and exit codes; nothing that trains.
