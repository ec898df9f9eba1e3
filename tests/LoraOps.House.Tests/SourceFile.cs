using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace LoraOps.House.Tests;

/// <summary>One C# file: its path from the root of the checkout, its text, and its syntax.</summary>
internal sealed class SourceFile(string path, string text)
{
    private readonly Lazy<SyntaxTree> _tree = new(() => CSharpSyntaxTree.ParseText(
        text, new CSharpParseOptions(LanguageVersion.Preview, DocumentationMode.Parse), path));

    public string Path { get; } = path;

    public string Text { get; } = text;

    public SyntaxTree Tree => _tree.Value;

    public CompilationUnitSyntax Root => Tree.GetCompilationUnitRoot();

    /// <summary>The number of lines, a last line without an end counted.</summary>
    public int Lines => Text.AsSpan().Count('\n') + (Text.EndsWith('\n') || Text.Length == 0 ? 0 : 1);

    /// <summary>True in the folders whose loops may be long.</summary>
    public bool IsKernel => Path.Contains("/Kernels/", StringComparison.Ordinal);

    /// <summary>True in the layers below the command line, which know no console, no clock and no task.</summary>
    public bool IsLibrary =>
        Path.StartsWith("src/", StringComparison.Ordinal) && !Path.StartsWith("src/LoraOps.Cli/", StringComparison.Ordinal);

    /// <summary>The types that the file declares, outermost first.</summary>
    public IEnumerable<BaseTypeDeclarationSyntax> Types => Nodes<BaseTypeDeclarationSyntax>();

    public IEnumerable<T> Nodes<T>() => Root.DescendantNodes().OfType<T>();

    /// <summary>What a finding begins with: the path and the line.</summary>
    public string At(SyntaxNode node) => $"{Path}:{Tree.GetLineSpan(node.Span).StartLinePosition.Line + 1}";

    /// <summary>What a finding begins with: the path and the line.</summary>
    public string At(SyntaxToken token) => $"{Path}:{Tree.GetLineSpan(token.Span).StartLinePosition.Line + 1}";

    /// <summary>The lines that a node covers, without its documentation and attributes.</summary>
    public int LinesOf(MemberDeclarationSyntax member)
    {
        var first = member.AttributeLists.Count == 0
            ? member.SpanStart
            : member.AttributeLists.Last().GetLastToken().GetNextToken().SpanStart;
        var text = Tree.GetText();
        return text.Lines.GetLineFromPosition(member.Span.End).LineNumber - text.Lines.GetLineFromPosition(first).LineNumber + 1;
    }
}
