internal import Configuration
internal import IPC

/// The configuration that the master handed over, read by the same code that the master checked it with.
enum ConfigurationReading {
    struct Refusal: Error {
        let problems: [ReportedProblem]
    }

    static func read(_ bundle: ConfigurationBundle) throws(Refusal) -> ServerConfiguration {
        let files = BundledFiles(bundle.files.map { ConfiguredFile(path: $0.name, contents: $0.contents) })
        switch ConfigurationLoader.load(text: bundle.text, path: bundle.path, files: files) {
        case .loaded(let configuration, _): return configuration
        case .refused(let problems):
            throw Refusal(
                problems: problems.map {
                    ReportedProblem(
                        file: $0.file, line: UInt32(clamping: $0.line), column: UInt32(clamping: $0.column),
                        path: $0.path, text: $0.description)
                })
        }
    }
}
