internal import Configuration
internal import IPC

extension ConfigurationReport {
    /// The report on a file that the master accepts.
    /// - Parameter judged: the worker program's objections.
    static func review(_ path: String, judged objections: [ReportedProblem]) -> (report: Value, isUsable: Bool) {
        let more = objections.map { row(.refused, Int($0.line), Int($0.column), $0.path, $0.sentence) }
        return review(path, more: more, isUsable: objections.isEmpty)
    }

    /// The report on a file that the master refuses.
    /// - Parameter lines: the problems, one a line.
    static func review(_ path: String, refused lines: [String]) -> (report: Value, isUsable: Bool) {
        review(path, more: lines.map { row(.refused, 0, 0, "", $0) }, isUsable: false)
    }

    /// - Parameter more: findings beside those of the loader.
    private static func review(_ path: String, more: [Value], isUsable: Bool) -> (report: Value, isUsable: Bool) {
        let text: [UInt8]
        do throws(FileFailure) {
            text = try DiskFiles.contents(of: path)
        } catch {
            return (report(path, more), false)
        }
        let review = ConfigurationLoader.review(text: text, path: path, files: DiskFiles())
        // A setting that the worker program objects to does not work.
        let objected = more.compactMap { $0["path"]?.string }.filter { !$0.isEmpty }
        let rows = review.rows.filter { !objected.contains($0.path) }.map {
            row($0.verdict, $0.position.line, $0.position.column, $0.path, $0.text)
        }
        // The loader repeats the problems that the master has found.
        return (report(path, review.problems.isEmpty ? more + rows : rows), isUsable && review.problems.isEmpty)
    }

    private static func report(_ path: String, _ rows: [Value]) -> Value {
        let counts = ConfigurationReview.Verdict.allCases.map { verdict in
            Value.Member(verdict.rawValue, .int(Int64(rows.count { $0["verdict"]?.string == verdict.rawValue })))
        }
        return ["configuration": .string(path), "counts": .object(counts), "rows": .array(rows)]
    }

    private static func row(_ verdict: ConfigurationReview.Verdict, _ line: Int, _ column: Int, _ path: String, _ text: String)
        -> Value
    {
        [
            "verdict": .string(verdict.rawValue), "line": .int(Int64(line)), "column": .int(Int64(column)), "path": .string(path),
            "text": .string(text),
        ]
    }
}
