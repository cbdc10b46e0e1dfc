// swift-tools-version: 6.2
import PackageDescription

// A package of its own, because everything in it is compiled for libFuzzer; its rooms are links into Sources.
let instrumented: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("ExistentialAny"),
    .unsafeFlags([
        "-sanitize=fuzzer,address", "-sanitize-coverage=edge,inline-8bit-counters,trace-cmp",
        "-Xllvm", "-sanitizer-coverage-pc-table",
    ]),
]
let linked: [LinkerSetting] = [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])]

func fuzzer(_ name: String, _ imports: Target.Dependency...) -> Target {
    .executableTarget(
        name: name, dependencies: imports,
        swiftSettings: instrumented + [.unsafeFlags(["-parse-as-library"])], linkerSettings: linked)
}

let package = Package(
    name: "fuzz",
    targets: [
        .systemLibrary(name: "CExpat", pkgConfig: "expat"),
        .systemLibrary(name: "CIDN2", pkgConfig: "libidn2"),
        .systemLibrary(name: "CUnistring"),
        .systemLibrary(name: "CFuzzer"),
        .target(name: "COpenSSL", linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        .target(name: "XML", dependencies: ["CExpat"], swiftSettings: instrumented),
        .target(name: "Preparation", dependencies: ["CIDN2", "CUnistring"], swiftSettings: instrumented),
        .target(name: "XMPP", dependencies: ["XML", "Preparation"], swiftSettings: instrumented),
        .target(name: "SASL", dependencies: ["COpenSSL", "Preparation"], swiftSettings: instrumented),
        .target(name: "Streams", dependencies: ["XML", "XMPP", "SASL"], swiftSettings: instrumented),
        fuzzer("StreamFuzzer", "CFuzzer", "XML"),
        fuzzer("JIDFuzzer", "CFuzzer", "XMPP"),
        fuzzer("ServerStreamFuzzer", "CFuzzer", "XML", "XMPP", "SASL", "Streams"),
    ]
)
