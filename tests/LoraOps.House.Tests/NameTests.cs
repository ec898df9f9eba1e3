using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace LoraOps.House.Tests;

/// <summary>Names: if the good name is missing, the idea is missing.</summary>
public sealed partial class NameTests
{
    // AdapterManager is the word of the field for what loads, preloads and switches adapters.
    private static readonly HashSet<string> _allowed = ["AdapterManager"];

    [GeneratedRegex("(Manager|Helper|Util|Utils|Utility|Utilities|Common|Base|Impl|Service|Processor|Handler)s?(?![a-z])")]
    private static partial Regex Forbidden();

    [Fact]
    public void Type_names_say_what_a_thing_is() =>
        Rules.Hold(Checkout.Sources, TypeNames, "class PathHelper;");

    [Fact]
    public void File_names_say_what_a_thing_is() => Rules.Empty(
        from file in Checkout.Sources
        let name = Path.GetFileNameWithoutExtension(file.Path)
        where Forbidden().IsMatch(name) && !_allowed.Contains(name) && !_allowed.Contains(name.Replace("Tests", "", StringComparison.Ordinal))
        select $"{file.Path}: '{Forbidden().Match(name).Value}' says nothing");

    [Fact]
    public void A_file_is_called_like_the_type_in_it() =>
        Rules.Hold(Checkout.Sources, NamedType, "class Other;");

    [Fact]
    public void A_namespace_is_its_folder() =>
        Rules.Hold(Checkout.Source, Namespace, "namespace LoraOps.Elsewhere; class Sample;", "src/LoraOps/Writers/Sample.cs");

    [Fact]
    public void Nothing_is_called_async() =>
        Rules.Hold(Checkout.Sources, AsyncNames, "class Sample { void RunAsync() { } }");

    private static IEnumerable<string> TypeNames(SourceFile file) =>
        from type in file.Types
        let name = type.Identifier.Text
        let subject = name.EndsWith("Tests", StringComparison.Ordinal) ? name[..^5] : name
        where Forbidden().IsMatch(subject) && !_allowed.Contains(subject)
        select $"{file.At(type)}: {name}: '{Forbidden().Match(subject).Value}' says nothing";

    // Small companions may stand beside the type that names the file; a partial's aspect follows a dot.
    private static IEnumerable<string> NamedType(SourceFile file)
    {
        string[] names =
        [
            .. file.Types.Select(t => t.Identifier.Text),
            .. file.Nodes<DelegateDeclarationSyntax>().Select(d => d.Identifier.Text),
        ];
        var name = Path.GetFileName(file.Path).Split('.')[0];
        if (names.Length > 0 && !names.Contains(name))
            yield return $"{file.Path}: has {string.Join(", ", names)}, but no {name}";
    }

    private static IEnumerable<string> Namespace(SourceFile file)
    {
        var folder = Path.GetDirectoryName(file.Path)!["src/".Length..].Replace('/', '.');
        return from space in file.Nodes<BaseNamespaceDeclarationSyntax>()
               where space.Name.ToString() != folder
               select $"{file.At(space)}: namespace {space.Name} lies in {folder}";
    }

    private static IEnumerable<string> AsyncNames(SourceFile file) =>
        from method in file.Nodes<MethodDeclarationSyntax>()
        where method.Identifier.Text.EndsWith("Async", StringComparison.Ordinal)
        select $"{file.At(method)}: {method.Identifier.Text}";
}
