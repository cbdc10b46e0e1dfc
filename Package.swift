// swift-tools-version: 6.2
import PackageDescription

// Warnings are errors where CI is set; a developer may see a warning first and mend it.
let strictness: [SwiftSetting] = Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)]

let house: [SwiftSetting] =
    strictness + [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("ExistentialAny"),
        // In a worker one loop touches everything, and the compiler has checked that; what is left to check at run time
        // costs three percent of a message. Small functions of one room are worth inlining into another.
        .unsafeFlags(
            ["-enforce-exclusivity=unchecked", "-disable-dynamic-actor-isolation", "-cross-module-optimization"],
            .when(configuration: .release)),
    ]

/// A room: one Swift target of `Sources/`, with what it may import.
func room(_ name: String, _ imports: Target.Dependency...) -> Target {
    .target(name: name, dependencies: imports, swiftSettings: house)
}

func tests(_ name: String, _ imports: Target.Dependency...) -> Target {
    .testTarget(name: name, dependencies: imports, swiftSettings: house)
}

let log: Target.Dependency = .product(name: "Logging", package: "swift-log")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "xmppd",
    dependencies: [
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    ],
    targets: [
        // Ground: C libraries.
        .target(name: "CPlatform"),
        .target(name: "CAres", linkerSettings: [.linkedLibrary("cares")]),
        .target(name: "CSQLite", linkerSettings: [.linkedLibrary("sqlite3")]),
        .target(name: "COpenSSL", linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        .systemLibrary(name: "CExpat", pkgConfig: "expat", providers: [.apt(["libexpat1-dev"])]),
        .systemLibrary(name: "CIDN2", pkgConfig: "libidn2", providers: [.apt(["libidn2-dev"])]),
        .systemLibrary(name: "CUnistring", providers: [.apt(["libunistring-dev"])]),
        .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        // These are loaded by the program itself, when they are first needed.
        .target(name: "CPostgreSQL"),
        .target(name: "CLDAP"),
        .target(name: "CCurl"),
        .target(name: "CJWT"),
        .target(name: "CTOML", cxxSettings: [.unsafeFlags(["-std=c++17", "-fno-exceptions"])]),

        // Ground: values, no effects.
        room("XML", "CExpat"),
        room("Preparation", "CIDN2", "CUnistring"),
        room("XMPP", "XML", "Preparation"),
        room("SASL", "COpenSSL", "Preparation"),
        room("Configuration", "CTOML", "Preparation"),
        room("IPC", "CPlatform"),
        room("Telemetry", log, "CSystemd"),
        room("Resolver", "CAres"),

        // First floor: pure machines.
        room("Streams", "XML", "XMPP", "SASL"),
        room("Supervision"),
        room("Operations", "IPC"),

        // Second floor: effects, on one loop.
        room("Network", "IPC", "COpenSSL", "CPlatform", "CZlib", "Resolver"),
        room("SharedState", "CPlatform"),
        room("Storage", "CSQLite"),
        room("Pools", "CPostgreSQL", "CLDAP", "CCurl", "CPlatform", "Configuration", "Telemetry", "Network"),
        room("Authentication", "CJWT", "XMPP", "SASL", "Configuration", "Telemetry", "Network", "Storage", "Pools"),
        room(
            "Kernel", "XML", "XMPP", "SASL", "Streams", "Configuration", "IPC", "Telemetry", "Network", "SharedState", "Storage",
            "Pools", "Authentication", "Operations"),
        room(
            "Modules", "XML", "XMPP", "SASL", "Configuration", "IPC", "Telemetry", "Network", "SharedState", "Storage",
            "Authentication", "Kernel"),

        // Roof.
        room("Master", "Supervision", "Operations", "IPC", "Configuration", "SharedState", "CPlatform", "Telemetry", "CSystemd"),
        room(
            "Worker", "XML", "XMPP", "SASL", "Streams", "IPC", "Configuration", "SharedState", "Telemetry", "Resolver", "Network",
            "Storage",
            "Pools", "Authentication", "Kernel"),
        .executableTarget(name: "xmppd", dependencies: ["Master", "IPC"], swiftSettings: house),
        .executableTarget(
            name: "xmppctl", dependencies: ["Operations", "IPC", "CPlatform", "Resolver", arguments], swiftSettings: house),
        .executableTarget(name: "xmppd-worker", dependencies: ["Worker", "Modules"], swiftSettings: house),

        // Tests, and the programs that they start.
        tests("HouseTests", "Configuration", "Kernel", "Modules"),
        tests("XMLTests", "XML"),
        tests("PreparationTests", "Preparation"),
        tests("XMPPTests", "XML", "XMPP"),
        tests("SASLTests", "SASL"),
        tests("ConfigurationTests", "Configuration"),
        tests("IPCTests", "CPlatform", "IPC"),
        tests("TelemetryTests", "Telemetry", log),
        tests("StreamsTests", "XML", "XMPP", "SASL", "Streams"),
        tests("SupervisionTests", "Supervision"),
        tests("ResolverTests", "Resolver", "TestKit"),
        tests("NetworkTests", "CPlatform", "CZlib", "Configuration", "Network", "Resolver", "TestKit"),
        tests("SharedStateTests", "CPlatform", "SharedState", "SharedStateProbe"),
        tests("StorageTests", "CSQLite", "Storage"),
        tests("PoolsTests", "Configuration", "Network", "Pools"),
        tests("AuthenticationTests", "CJWT", "XMPP", "SASL", "Configuration", "Network", "Storage", "Pools", "Authentication"),
        tests("KernelTests", "XML", "XMPP", "Network", "Kernel"),
        tests(
            "ModulesTests", "XML", "XMPP", "SASL", "Configuration", "IPC", "Network", "SharedState", "Storage", "Streams",
            "Operations", "Authentication", "Kernel", "Modules"),
        tests(
            "WorkerTests", "XML", "XMPP", "SASL", "Streams", "Configuration", "IPC", "Network", "SharedState", "Storage",
            "Authentication", "Kernel", "Modules", "Worker", "TestKit"),
        tests("MasterTests", "CPlatform", "Configuration", "IPC", "Operations", "Supervision", "Master", "FakeWorker", "xmppd"),
        tests("OperationsTests", "IPC", "Operations", "Telemetry"),
        tests("XmppctlTests", "CPlatform", "IPC", "Operations", "Resolver", "xmppctl", arguments),
        .executableTarget(
            name: "SharedStateProbe", dependencies: ["SharedState"], path: "Tests/SharedStateProbe", swiftSettings: house),
        .executableTarget(
            name: "FakeWorker", dependencies: ["CPlatform", "IPC", "SharedState"], path: "Tests/FakeWorker",
            swiftSettings: house),
        .target(
            name: "TestKit", dependencies: ["COpenSSL", "CPlatform", "IPC", "XML"], path: "Tests/TestKit", swiftSettings: house),
        tests("ProcessTests", "CPlatform", "IPC", "SASL", "XML", "TestKit", "xmppd", "xmppd-worker", "xmppctl"),
    ],
    cxxLanguageStandard: .cxx17
)
