internal import Configuration

/// A configuration that may come into force: what its file came to, and how it differs from the one in force.
struct CandidateConfiguration {
    let settings: MasterSettings
    let configuration: ServerConfiguration
    let notes: [Note]
    let changes: [ConfigurationChange]
    /// What running workers cannot take up.
    let needs: NewWorkers

    /// A candidate that workers are asked to prepare, with what the master has taken for it beside its own.
    struct Prepared {
        let generation: UInt32
        let candidate: CandidateConfiguration
        let listeners: ListenerSet.Change
        let endpoints: MasterEndpoints.Move
    }
}
