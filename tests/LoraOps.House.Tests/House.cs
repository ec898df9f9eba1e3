using System.Reflection;
using Microsoft.CodeAnalysis;

namespace LoraOps.House.Tests;

/// <summary>The built house: its assemblies, and what its sources compile against.</summary>
internal static class House
{
    /// <summary>The assemblies of <c>src</c>, from the foundation up; the binding of ONNX Runtime is a guest.</summary>
    public static IReadOnlyList<Assembly> Assemblies { get; } =
        [.. new[] { "LoraOps", "LoraOps.Onnx", "LoraOps.Runtime", "LoraOps.Recipes", "LoraOps.Cli" }.Select(Assembly.Load)];

    /// <summary>The types that people wrote; what protoc and the compiler wrote is not theirs.</summary>
    public static IEnumerable<Type> Types =>
        Assemblies.SelectMany(a => a.GetTypes())
            .Where(t => !t.IsDefined(typeof(System.Runtime.CompilerServices.CompilerGeneratedAttribute)))
            .Where(t => t.Namespace is { } space && space.StartsWith("LoraOps", StringComparison.Ordinal)
                && !space.EndsWith(".Proto", StringComparison.Ordinal));

    /// <summary>What the SDK puts before every file.</summary>
    public static IReadOnlyList<string> ImplicitUsings { get; } =
        ["System", "System.Collections.Generic", "System.IO", "System.Linq", "System.Threading", "System.Threading.Tasks"];

    /// <summary>The framework and the library's one package, for the compiler.</summary>
    public static IReadOnlyList<MetadataReference> References { get; } =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => Path.GetFileName(path).StartsWith("System.", StringComparison.Ordinal))
            .Select(path => MetadataReference.CreateFromFile(path)),
    ];
}
