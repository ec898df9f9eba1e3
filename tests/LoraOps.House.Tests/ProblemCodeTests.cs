using System.Text.Json;
using System.Text.RegularExpressions;
using LoraOps.Problems;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace LoraOps.House.Tests;

/// <summary>Every failure has one number, one text and one broken thing that raises it.</summary>
public sealed partial class ProblemCodeTests
{
    private static readonly ProblemCode[] _codes = [.. Enum.GetValues<ProblemCode>().Where(c => c != ProblemCode.None)];

    [GeneratedRegex(@"^fixtures/hostile/(LORA\d{4})-[a-z0-9-]+/")]
    private static partial Regex HostileFolder();


    [Fact]
    public void A_number_is_used_once_and_stands_in_order()
    {
        var numbers = Checkout.Source.Single(f => f.Path.EndsWith("/ProblemCode.cs", StringComparison.Ordinal))
            .Nodes<EnumMemberDeclarationSyntax>()
            .Select(m => int.Parse(m.EqualsValue!.Value.ToString()))
            .ToList();
        Assert.Equal(numbers.Order().Distinct(), numbers);
    }

    // Only what says of itself that it is our bug ends as one.
    [Fact]
    public void Every_code_leads_to_its_exit_status() => Rules.Empty(
        _codes.Where(c => c.ExitCode() == ExitCode.Done || (c.ExitCode() == ExitCode.Bug && c != ProblemCode.InternalError))
            .Select(c => $"{c}: {c.ExitCode()}"));

    [Fact]
    public void Every_code_is_made_by_a_factory_in_Problems() =>
        Rules.Empty(_codes.Select(c => c.ToString()).Except(Made(inProblems: true)).Select(c => $"{c}: no factory makes it"));

    [Fact]
    public void Problems_are_made_nowhere_else() =>
        Rules.Empty(Made(inProblems: false).Select(c => $"{c}: made outside Problems/"));

    [Fact]
    public void Every_factory_is_called()
    {
        var called = Checkout.Source.SelectMany(f => f.Nodes<MemberAccessExpressionSyntax>()).Select(a => a.ToString()).ToHashSet();
        Rules.Empty(
            from file in Checkout.Source
            where file.Path.StartsWith("src/LoraOps/Problems/", StringComparison.Ordinal)
            from method in file.Nodes<MethodDeclarationSyntax>()
            where method.ReturnType.ToString() == "Problem"
            let name = $"{(method.Parent as ClassDeclarationSyntax)?.Identifier.Text}.{method.Identifier.Text}"
            where !called.Contains(name) && !file.Nodes<InvocationExpressionSyntax>().Any(i => i.Expression.ToString() == method.Identifier.Text)
            select $"{file.At(method)}: nobody calls {name}");
    }

    [Fact]
    public void Every_code_has_a_hostile_fixture_or_a_test_that_raises_it() => Rules.Empty(
        _codes.Where(c => !HostileCodes().Contains(Id(c)) && !RaisedByTests().Contains(c.ToString()))
            .Select(c => $"{Id(c)} {c}: nothing raises it"));

    [Fact]
    public void Every_hostile_fixture_has_a_known_code_and_its_case_names_it()
    {
        var known = _codes.Select(Id).ToHashSet();
        Rules.Empty(
            from folder in HostileFolders()
            let code = HostileFolder().Match(folder).Groups[1].Value
            let wrong = code.Length == 0 ? "is not called like LORA1101-why"
                : !known.Contains(code) ? "is of no known code"
                : !File.Exists(Checkout.Full(folder + "case.json")) ? "has no case.json"
                : CodeOf(folder) != code ? $"has a case.json of {CodeOf(folder)}"
                : null
            where wrong is not null
            select $"{folder} {wrong}");
    }

    [Fact]
    public void Every_test_that_raises_a_code_names_a_known_one() =>
        Rules.Empty(RaisedByTests().Except(_codes.Select(c => c.ToString())).Select(c => $"[Raises({c})]: no such code"));

    private static string Id(ProblemCode code) => $"LORA{(int)code:0000}";

    private static string? CodeOf(string folder)
    {
        using var document = JsonDocument.Parse(Checkout.Text(folder + "case.json"));
        return document.RootElement.GetProperty("code").GetString();
    }

    private static HashSet<string> HostileFolders() =>
        [.. Checkout.Files.Where(f => f.StartsWith("fixtures/hostile/", StringComparison.Ordinal) && f.Count('/') > 2)
            .Select(f => string.Join('/', f.Split('/')[..3]) + "/")];

    private static HashSet<string> HostileCodes() =>
        [.. HostileFolders().Select(f => HostileFolder().Match(f).Groups[1].Value)];

    private static HashSet<string> RaisedByTests() =>
        [.. Checkout.Sources.Where(f => f.Path.StartsWith("tests/", StringComparison.Ordinal) && !f.Path.Contains("House", StringComparison.Ordinal))
            .SelectMany(f => f.Nodes<AttributeSyntax>())
            .Where(a => a.Name.ToString() == "Raises")
            .SelectMany(a => a.ArgumentList!.Arguments)
            .Select(a => a.Expression.ToString().Split('.')[^1])];

    // The codes that are the first argument of a `new`, in the folder Problems or outside it.
    private static HashSet<string> Made(bool inProblems) =>
        [.. Checkout.Source.Where(f => f.Path.StartsWith("src/LoraOps/Problems/", StringComparison.Ordinal) == inProblems)
            .SelectMany(f => f.Nodes<BaseObjectCreationExpressionSyntax>())
            .Select(n => n.ArgumentList?.Arguments.FirstOrDefault()?.Expression.ToString() ?? "")
            .Where(a => a.StartsWith("ProblemCode.", StringComparison.Ordinal))
            .Select(a => a["ProblemCode.".Length..])];
}
