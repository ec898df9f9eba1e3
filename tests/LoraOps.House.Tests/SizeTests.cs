using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace LoraOps.House.Tests;

/// <summary>Sizes: what does not fit on a screen does not fit in a head.</summary>
public sealed class SizeTests
{
    [Fact]
    public void A_file_has_at_most_300_lines() =>
        Rules.Hold(Checkout.Sources, FileLines, new string('\n', 301));

    [Fact]
    public void A_method_has_at_most_40_lines_and_a_kernel_80()
    {
        Assert.NotEmpty(MethodLines(Method("src/LoraOps/Tensors/Kernels/Sample.cs", 81)));
        Assert.Empty(MethodLines(Method("src/LoraOps/Tensors/Kernels/Sample.cs", 80)));
        Assert.Empty(MethodLines(Method("src/LoraOps/Sample.cs", 40)));
        Rules.Hold(Checkout.Sources, MethodLines, Method("src/LoraOps/Sample.cs", 41).Text);
    }

    [Fact]
    public void A_constructor_has_at_most_5_parameters() =>
        Rules.Hold(Checkout.Sources, Parameters, "class Sample(int a, int b, int c, int d, int e, int f);");

    [Fact]
    public void The_program_has_at_most_40_lines() =>
        Assert.InRange(Checkout.Source.Single(f => f.Path == "src/LoraOps.Cli/Program.cs").Lines, 1, 40);

    [Fact]
    public void The_build_script_has_at_most_100_lines() =>
        Assert.InRange(Checkout.Text("build.cake").AsSpan().Count('\n'), 1, 100);

    [Fact]
    public void A_line_has_at_most_160_columns() =>
        Rules.Hold(Checkout.Sources, Columns, new string('x', 161));

    private static IEnumerable<string> FileLines(SourceFile file)
    {
        // The table of all failures is one list, so that a free number is seen at once.
        if (file.Lines > 300 && file.Path != "src/LoraOps/Problems/ProblemCode.cs")
            yield return $"{file.Path}: {file.Lines} lines";
    }

    // A property with an initializer is a table, not code.
    private static IEnumerable<string> MethodLines(SourceFile file)
    {
        var most = file.IsKernel ? 80 : 40;
        return from member in file.Nodes<MemberDeclarationSyntax>()
               where member is BaseMethodDeclarationSyntax or BasePropertyDeclarationSyntax and not PropertyDeclarationSyntax { Initializer: not null }
               let lines = file.LinesOf(member)
               where lines > most
               select $"{file.At(member)}: {lines} lines";
    }

    // A record's primary constructor is a row of named properties, not a list of things that somebody must wire.
    private static IEnumerable<string> Parameters(SourceFile file)
    {
        var constructors =
            from node in file.Root.DescendantNodes()
            let list = node switch
            {
                ConstructorDeclarationSyntax constructor => constructor.ParameterList,
                TypeDeclarationSyntax type and not RecordDeclarationSyntax => type.ParameterList,
                _ => null,
            }
            where list is not null
            select list;
        return from list in constructors
               where list.Parameters.Count > 5
               select $"{file.At(list)}: {list.Parameters.Count} parameters";
    }

    // The ruler stands at 120; a message's text may lean over it, but not past this wall.
    private static IEnumerable<string> Columns(SourceFile file) =>
        from line in file.Text.Split('\n').Index()
        where line.Item.Length > 160
        select $"{file.Path}:{line.Index + 1}: {line.Item.Length} columns";

    private static SourceFile Method(string path, int lines) =>
        new(path, $"class Sample\n{{\n    /// <summary>Not counted.</summary>\n    [Fact]\n"
            + $"    void M()\n    {{{new string('\n', lines - 2)}    }}\n}}\n");
}
