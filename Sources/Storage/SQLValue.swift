/// A parameter or a column: the kinds of value that a database knows.
public enum SQLValue: Sendable, Equatable {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case bytes([UInt8])

    /// The text, or null.
    public static func text(_ value: String?) -> SQLValue { value.map(SQLValue.text) ?? .null }
    /// The bytes, or null.
    public static func bytes(_ value: [UInt8]?) -> SQLValue { value.map(SQLValue.bytes) ?? .null }
    /// The number, or null.
    public static func integer(_ value: Int64?) -> SQLValue { value.map(SQLValue.integer) ?? .null }
    /// 1 for true, 0 for false: the schema has no Boolean type.
    public static func flag(_ value: Bool) -> SQLValue { .integer(value ? 1 : 0) }
}

/// One row of an answer, read by position from 0. A column of another kind than asked for is `StorageError.corrupt`, never a trap.
public struct SQLRow: Sendable {
    private let values: [SQLValue]

    public init(_ values: [SQLValue]) { self.values = values }

    public func isNull(_ column: Int) -> Bool { values.indices.contains(column) && values[column] == .null }

    public func text(_ column: Int) throws(StorageError) -> String {
        guard let text = try optionalText(column) else { throw mismatch(column, "text") }
        return text
    }

    public func optionalText(_ column: Int) throws(StorageError) -> String? {
        switch try value(column) {
        case .text(let text): text
        case .null: nil
        case .integer, .real, .bytes: throw mismatch(column, "text")
        }
    }

    public func integer(_ column: Int) throws(StorageError) -> Int64 {
        guard let integer = try optionalInteger(column) else { throw mismatch(column, "integer") }
        return integer
    }

    public func optionalInteger(_ column: Int) throws(StorageError) -> Int64? {
        switch try value(column) {
        case .integer(let integer): integer
        case .null: nil
        case .text, .real, .bytes: throw mismatch(column, "integer")
        }
    }

    public func flag(_ column: Int) throws(StorageError) -> Bool { try integer(column) != 0 }

    public func bytes(_ column: Int) throws(StorageError) -> [UInt8] {
        guard let bytes = try optionalBytes(column) else { throw mismatch(column, "bytes") }
        return bytes
    }

    public func optionalBytes(_ column: Int) throws(StorageError) -> [UInt8]? {
        switch try value(column) {
        case .bytes(let bytes): bytes
        case .null: nil
        case .text, .integer, .real: throw mismatch(column, "bytes")
        }
    }

    private func value(_ column: Int) throws(StorageError) -> SQLValue {
        guard values.indices.contains(column) else { throw mismatch(column, "a column") }
        return values[column]
    }

    private func mismatch(_ column: Int, _ expected: String) -> StorageError {
        .corrupt("column \(column) of a row is not \(expected)")
    }
}
