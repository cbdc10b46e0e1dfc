/// What every setting of a file comes to here; made for files that were written for another server. Says something also
/// of a file that is refused.
public struct ConfigurationReview: Sendable {
    /// In the order in which an operator has to see to them.
    public enum Verdict: String, Sendable, CaseIterable {
        /// The file does not load with it.
        case refused
        /// Checked and kept; this version does nothing with it.
        case notYet = "not yet"
        /// Taken, and it means something else than it did, or nothing.
        case differs
        case works
    }

    public struct Row: Sendable, Equatable {
        public let verdict: Verdict
        public let position: Position
        /// Elements of arrays count from 1. A part of the file of which one thing is to be said has one row.
        public let path: String
        /// What is to be known of it; empty if the verdict says it all.
        public let text: String
    }

    public let file: String
    /// In the order of the file.
    public let rows: [Row]
    /// Why the file is refused; each is a row, too.
    public let problems: [Problem]
}

extension ConfigurationLoader {
    /// Judges a whole text as `load` does, and says what became of each setting.
    public static func review(text: [UInt8], path: String, files: any FileSource) -> ConfigurationReview {
        let checks: CrossChecks
        do throws(Problem) {
            checks = try examine(text: text, path: path, files: files)
        } catch {
            return ConfigurationReview(file: path, rows: [ConfigurationReview.Row(error)], problems: [error])
        }
        let validator = checks.validator
        var rows = validator.problems.map(ConfigurationReview.Row.init) + validator.notes.map(ConfigurationReview.Row.init)
        let said = rows
        let around =
            validator.problems.map(ConfigurationReview.Row.init)
            + validator.notes.filter { $0.kind != .warning }.map(ConfigurationReview.Row.init)
        var walk = GivenSettings()
        walk.visit(checks.tree, path: "")
        rows += walk.settings.filter { setting in
            // A warning of a table does not speak of all that is in it.
            !around.contains { $0.covers(setting) } && !said.contains { $0.path == setting.path }
        }.map { setting in
            ConfigurationReview.Row(
                verdict: .works, position: setting.position, path: setting.path,
                text: setting.spelling.map { "written as \($0)" } ?? "")
        }
        rows.sort { ($0.position, $0.path) < ($1.position, $1.path) }
        let problems = validator.problems.sorted { ($0.position, $0.path) < ($1.position, $1.path) }
        return ConfigurationReview(file: path, rows: rows, problems: problems)
    }
}

extension ConfigurationReview.Row {
    fileprivate init(_ problem: Problem) {
        self.init(verdict: .refused, position: problem.position, path: problem.path, text: problem.description)
    }

    fileprivate init(_ note: Note) {
        switch note.kind {
        case .notYet: self.init(verdict: .notYet, position: note.position, path: note.path, text: Self.purpose(note.path))
        case .accepted, .warning: self.init(verdict: .differs, position: note.position, path: note.path, text: note.text)
        }
    }

    /// What the option at a place of a file is for.
    private static func purpose(_ path: String) -> String {
        var general = path.replacing(#/\[[0-9]+\]/#, with: "[]")
        if general.hasPrefix("host_config[].") { general = String(general.dropFirst("host_config[].".count)) }
        return OptionTable.row(general)?.sentence ?? ""
    }

    /// Whether it speaks of a setting: of the same place, of one around it, or of the key it is written as.
    fileprivate func covers(_ setting: GivenSettings.Place) -> Bool {
        if setting.path == path || setting.path.hasPrefix(path + ".") || setting.path.hasPrefix(path + "[") { return true }
        guard let spelling = setting.spelling, setting.position.line == position.line else { return false }
        return path == spelling || path.hasSuffix("." + spelling)
    }
}

/// Collects what stands in the file itself, defaults left out: values, modules, and tables without anything in them.
private struct GivenSettings {
    struct Place {
        let path: String
        let position: Position
        let spelling: String?
    }

    private(set) var settings: [Place] = []

    mutating func visit(_ table: SettingTable, path: String) {
        for (key, setting) in table.entries.sorted(by: { $0.key < $1.key }) {
            let place = TOMLPath.appending(key, to: path)
            switch setting.value {
            case .table(let inner):
                let before = settings.count
                visit(inner, path: place)
                // That a module is loaded is a setting of its own.
                if settings.count == before || path == "modules" || path.hasSuffix(".modules") { add(setting, place) }
            case .list(let elements) where elements.contains(where: \.isTable) && !Self.isRule(path):
                for (index, element) in elements.enumerated() {
                    guard case .table(let inner) = element.value else { continue }
                    visit(inner, path: "\(place)[\(index + 1)]")
                }
            default: add(setting, place)
            }
        }
    }

    /// A class of users or a rule is one setting, whatever is in it.
    private static func isRule(_ path: String) -> Bool {
        path == "acl" || path == "access" || path.hasSuffix(".acl") || path.hasSuffix(".access")
    }

    private mutating func add(_ setting: Setting, _ path: String) {
        guard let position = setting.position else { return }
        settings.append(Place(path: path, position: position, spelling: setting.spelling))
    }
}
