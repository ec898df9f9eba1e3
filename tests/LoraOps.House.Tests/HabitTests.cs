using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace LoraOps.House.Tests;

/// <summary>Habits that the house does without.</summary>
public sealed class HabitTests
{
    [Fact]
    public void There_is_no_region() => Rules.Hold(Checkout.Sources, Regions, "#region A\n#endregion\n");

    [Fact]
    public void No_warning_is_suppressed_in_code()
    {
        Assert.NotEmpty(Suppressions(new SourceFile("a.cs", "[SuppressMessage(\"a\", \"b\")] class Sample;")));
        Rules.Hold(Checkout.Sources, Suppressions, "#pragma warning disable CA1000\n");
    }

    [Fact]
    public void Nothing_is_left_to_do() => Rules.Hold(Checkout.Sources, Leftovers, $"// {"TO" + "DO"}: later\n");

    [Fact]
    public void Nothing_is_unimplemented() => Rules.Hold(
        Checkout.Sources, Names("NotImplementedException"),
        "class Sample { void M() => throw new NotImplementedException(); }");

    [Fact]
    public void Nothing_asks_a_container() => Rules.Hold(
        Checkout.Sources, Names("IServiceProvider", "IServiceCollection"), "class Sample { IServiceProvider _all; }");

    [Fact]
    public void The_layers_below_the_command_line_know_no_console() => Rules.Hold(
        Checkout.Sources.Where(f => f.IsLibrary), Names("Console"), "class Sample { void M() => Console.WriteLine(); }");

    [Fact]
    public void The_layers_below_the_command_line_know_no_task() => Rules.Hold(
        Checkout.Sources.Where(f => f.IsLibrary), Types("Task", "ValueTask", "IAsyncEnumerable"),
        "class Sample { Task M() => Task.CompletedTask; }");

    [Fact]
    public void The_layers_below_the_command_line_know_no_clock_and_no_machine() => Rules.Hold(
        Checkout.Sources.Where(f => f.IsLibrary), Names("Now", "UtcNow", "Today", "GetUtcNow", "MachineName", "UserName"),
        "class Sample { object M() => DateTime.UtcNow; }");

    [Fact]
    public void Nothing_is_async_void() => Rules.Hold(Checkout.Sources, AsyncVoid, "class Sample { async void M() { } }");

    [Fact]
    public void No_code_is_commented_out() => Rules.Hold(Checkout.Sources, DeadCode, "// var a = 1;\n");

    [Fact]
    public void An_interface_has_at_least_two_implementations()
    {
        Assert.NotEmpty(LonelyInterfaces([new SourceFile("a.cs", "interface IOne; class One : IOne;")]));
        Rules.Empty(LonelyInterfaces([.. Checkout.Source]));
    }

    private static IEnumerable<string> Regions(SourceFile file) =>
        from trivia in file.Root.DescendantTrivia()
        where trivia.IsKind(SyntaxKind.RegionDirectiveTrivia)
        select $"{file.Path}: {trivia}";

    private static IEnumerable<string> Suppressions(SourceFile file) =>
        file.Root.DescendantTrivia()
            .Where(t => t.IsKind(SyntaxKind.PragmaWarningDirectiveTrivia))
            .Select(t => $"{file.Path}: {t}")
            .Concat(Names("SuppressMessage", "SuppressMessageAttribute", "UnconditionalSuppressMessage")(file));

    private static IEnumerable<string> Leftovers(SourceFile file) =>
        from trivia in file.Root.DescendantTrivia()
        where IsComment(trivia)
        where new[] { "TO" + "DO", "FIX" + "ME", "HA" + "CK" }.Any(word => trivia.ToString().Contains(word, StringComparison.Ordinal))
        select $"{file.Path}: {trivia.ToString().Trim()}";

    private static Rule Names(params string[] names) => file =>
        from token in file.Root.DescendantTokens()
        where token.IsKind(SyntaxKind.IdentifierToken) && names.Contains(token.Text)
        select $"{file.At(token)}: {token.Text}";

    // A property may be called Task: it is the task of the model. As a type it stands alone, before a dot, or with arguments.
    private static Rule Types(params string[] names) => file =>
        from name in file.Nodes<SimpleNameSyntax>()
        where names.Contains(name.Identifier.Text)
        where name is GenericNameSyntax
            || name.Parent is MethodDeclarationSyntax or ParameterSyntax or VariableDeclarationSyntax or TypeArgumentListSyntax
            || (name.Parent is MemberAccessExpressionSyntax { Name.Identifier.Text: var member } access && access.Expression == name
                && member is "Run" or "WhenAll" or "WhenAny" or "FromResult" or "CompletedTask" or "Delay" or "Factory")
        select $"{file.At(name)}: {name}";

    private static IEnumerable<string> AsyncVoid(SourceFile file) =>
        from method in file.Nodes<MethodDeclarationSyntax>()
        where method.Modifiers.Any(SyntaxKind.AsyncKeyword) && method.ReturnType.ToString() == "void"
        select file.At(method);

    // A line comment that ends in a semicolon and parses as a statement was code once.
    private static IEnumerable<string> DeadCode(SourceFile file) =>
        from trivia in file.Root.DescendantTrivia()
        where trivia.IsKind(SyntaxKind.SingleLineCommentTrivia)
        let text = trivia.ToString().TrimStart('/', ' ')
        where text.EndsWith(';') && !SyntaxFactory.ParseStatement(text).ContainsDiagnostics
        select $"{file.Path}: {trivia}";

    private static IEnumerable<string> LonelyInterfaces(IReadOnlyList<SourceFile> files)
    {
        var implemented = files.SelectMany(f => f.Nodes<TypeDeclarationSyntax>())
            .SelectMany(type => type.BaseList?.Types.Select(t => t.Type) ?? [])
            .Select(type => type.DescendantNodesAndSelf().OfType<SimpleNameSyntax>().First().Identifier.Text)
            .CountBy(name => name)
            .ToDictionary();
        return from file in files
               from type in file.Nodes<InterfaceDeclarationSyntax>()
               where implemented.GetValueOrDefault(type.Identifier.Text) < 2
               select $"{file.At(type)}: {type.Identifier.Text}";
    }

    private static bool IsComment(SyntaxTrivia trivia) =>
        trivia.Kind() is SyntaxKind.SingleLineCommentTrivia or SyntaxKind.MultiLineCommentTrivia
            or SyntaxKind.SingleLineDocumentationCommentTrivia or SyntaxKind.MultiLineDocumentationCommentTrivia;
}
