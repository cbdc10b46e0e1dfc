import Foundation

/// The tree that this test was built from.
enum SourceTree {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Below a folder of the tree, in the order of their paths.
    static func files(under folder: String, _ extensions: Set<String>) -> [SourceFile] {
        let start = root.appending(path: folder)
        guard let paths = FileManager.default.enumerator(atPath: start.path) else { return [] }
        return paths.compactMap { $0 as? String }.sorted()
            .filter { extensions.contains(($0 as NSString).pathExtension) }
            .compactMap { path in text("\(folder)/\(path)").map { SourceFile(path: "\(folder)/\(path)", text: $0) } }
    }

    static func folders(in folder: String) -> Set<String> {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path)) ?? []
        return Set(names.filter { isFolder("\(folder)/\($0)") })
    }

    static func text(_ path: String) -> String? {
        try? String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    private static func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: root.appending(path: path).path, isDirectory: &isFolder)
            && isFolder.boolValue
    }
}
