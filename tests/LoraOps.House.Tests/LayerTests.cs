using System.Reflection;
using LoraOps.Problems;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace LoraOps.House.Tests;

/// <summary>The direction of the house: what each layer may mention. Everything else is a wall.</summary>
public sealed class LayerTests
{
    // The one table. Readers, Mixing and Writers never mention each other; they meet in Adapters and in the layers above.
    private static readonly Dictionary<string, string[]> _folders = new()
    {
        ["Problems"] = [],
        ["Tensors"] = ["Problems"],
        ["Adapters"] = ["Problems", "Tensors"],
        ["Deltas"] = ["Problems", "Tensors", "Adapters"],
        ["Readers"] = ["Problems", "Tensors", "Adapters", "Deltas"],
        ["Mixing"] = ["Problems", "Tensors", "Adapters", "Deltas"],
        ["Writers"] = ["Problems", "Tensors", "Adapters"],
        ["Merging"] = ["Problems", "Tensors", "Adapters", "Readers", "Deltas", "Writers"],
        ["Transforms"] = ["Problems", "Tensors", "Adapters", "Readers", "Deltas", "Mixing", "Merging", "Writers"],
        ["Bundles"] = ["Problems", "Tensors", "Adapters", "Writers"],
    };

    private static readonly Dictionary<string, string[]> _assemblies = new()
    {
        ["LoraOps"] = [],
        ["LoraOps.Onnx"] = ["LoraOps"],
        ["LoraOps.Runtime"] = ["LoraOps", "LoraOps.Onnx"],
        ["LoraOps.Recipes"] = ["LoraOps", "LoraOps.Onnx", "LoraOps.Runtime"],
        ["LoraOps.Cli"] = ["LoraOps", "LoraOps.Onnx", "LoraOps.Runtime", "LoraOps.Recipes"],
    };

    // A package belongs to one layer; who is above it may see its types, who is below may not know that it exists.
    private static readonly Dictionary<string, string> _packages = new()
    {
        ["Google.Protobuf"] = "LoraOps.Onnx",
        ["Microsoft.ML.OnnxRuntime"] = "LoraOps.Runtime",
        ["YamlDotNet"] = "LoraOps.Recipes",
        ["System.CommandLine"] = "LoraOps.Cli",
        ["Spectre.Console"] = "LoraOps.Cli",
    };

    [Fact]
    public void An_assembly_references_only_the_layers_below_it() => Rules.Empty(
        from assembly in House.Assemblies
        let name = assembly.GetName().Name!
        from reference in assembly.GetReferencedAssemblies()
        where _assemblies.ContainsKey(reference.Name!) && !_assemblies[name].Contains(reference.Name)
        select $"{name} references {reference.Name}");

    [Fact]
    public void A_package_is_used_only_from_its_layer_upwards() => Rules.Empty(
        from assembly in House.Assemblies
        let name = assembly.GetName().Name!
        from reference in assembly.GetReferencedAssemblies()
        where _packages.TryGetValue(reference.Name!, out var owner) && owner != name && !_assemblies[name].Contains(owner)
        select $"{name} references {reference.Name}");

    [Fact]
    public void Every_folder_of_the_library_is_a_layer_of_the_table() => Rules.Empty(
        from file in Library()
        let folder = file.Path.Split('/')[2]
        where !_folders.ContainsKey(folder)
        select $"{file.Path}: no layer is called {folder}");

    [Fact]
    public void A_folder_of_the_library_mentions_only_the_layers_below_it()
    {
        Assert.NotEmpty(Mentions([
            new SourceFile("src/LoraOps/Readers/A.cs", "namespace LoraOps.Readers; public class A { object _b = Writers.Write.It(); }"),
            new SourceFile(
                "src/LoraOps/Writers/Write.cs",
                "namespace LoraOps.Writers; public static class Write { public static object It() => new(); }"),
        ]));
        Rules.Empty(Mentions(Library()));
    }

    private static List<SourceFile> Library() =>
        [.. Checkout.Source.Where(f => f.Path.StartsWith("src/LoraOps/", StringComparison.Ordinal))];

    // The compiler says what each name means, so that an alias, a var or an extension method hides nothing.
    private static IEnumerable<string> Mentions(List<SourceFile> files)
    {
        var usings = new SourceFile("usings.cs", string.Concat(House.ImplicitUsings.Select(u => $"global using {u};\n")));
        var compilation = CSharpCompilation.Create(
            "Library", files.Append(usings).Select(f => f.Tree), House.References, new(OutputKind.DynamicallyLinkedLibrary, allowUnsafe: true));
        return (from file in files
                let folder = file.Path.Split('/')[2]
                let model = compilation.GetSemanticModel(file.Tree)
                from node in file.Nodes<ExpressionSyntax>()
                where node is SimpleNameSyntax or BaseObjectCreationExpressionSyntax or InvocationExpressionSyntax
                from layer in LayersOf(model, node)
                where layer != folder && !_folders[folder].Contains(layer)
                select $"{file.At(node)}: {folder} mentions {layer}").Distinct();
    }

    private static IEnumerable<string> LayersOf(SemanticModel model, ExpressionSyntax node)
    {
        ISymbol?[] symbols = [model.GetSymbolInfo(node).Symbol, model.GetTypeInfo(node).Type];
        return from symbol in symbols
               let space = symbol as INamespaceSymbol ?? symbol?.ContainingNamespace
               where space is not null
               let parts = space.ToDisplayString().Split('.')
               where parts.Length > 1 && parts[0] == "LoraOps"
               select parts[1];
    }
}
