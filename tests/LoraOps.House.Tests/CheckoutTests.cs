using System.Text;
using System.Text.RegularExpressions;

namespace LoraOps.House.Tests;

/// <summary>What may lie in the repository at all.</summary>
public sealed partial class CheckoutTests
{
    private const int MostBytes = 1 << 20;

    // Written so that this file does not contain what it looks for.
    [GeneratedRegex(@"(registry[.]npm|npmjs[.]|nuget[.]org|api[.]nuget|debian[.]org|pypi[.]org)")]
    private static partial Regex RegistryHost();

    [GeneratedRegex(@"(?<![\w.}~$*-])/(work|root|home|Users|mnt)/\w")]
    private static partial Regex MachinePath();

    [Fact]
    public void No_file_is_larger_than_1_MiB() => Rules.Empty(
        from file in Checkout.Files
        let bytes = new FileInfo(Checkout.Full(file)).Length
        where bytes > MostBytes
        select $"{file}: {bytes} bytes");

    [Fact]
    public void No_file_names_the_host_of_a_package_registry()
    {
        Assert.Matches(RegistryHost(), "https://registry" + ".npmjs" + ".org/a");
        Rules.Empty(Lines(RegistryHost()));
    }

    [Fact]
    public void No_file_names_a_path_of_the_machine_that_it_was_made_on()
    {
        Assert.Matches(MachinePath(), "/" + "work/main");
        Rules.Empty(Lines(MachinePath()));
    }

    [Fact]
    public void A_lock_file_records_no_download_address() => Rules.Empty(
        from file in Checkout.Files
        where file.EndsWith("package-lock.json", StringComparison.Ordinal)
        where Checkout.Text(file).Contains("\"resolved\"", StringComparison.Ordinal)
        select file);

    [Fact]
    public void Every_text_ends_its_lines_as_unix_does() => Rules.Empty(
        from file in Checkout.Files
        where file.EndsWith(".cs", StringComparison.Ordinal) || file.EndsWith(".md", StringComparison.Ordinal)
        let text = Checkout.Text(file)
        where text.Contains('\r', StringComparison.Ordinal) || !text.EndsWith('\n')
        select file);

    [Fact]
    public void The_root_holds_what_the_design_fixes_and_nothing_else() => Assert.Equal(
        ["LoraOps.sln", "README.md", "build.cake", "fixtures", "src", "tests"],
        Checkout.Files.Select(f => f.Split('/')[0]).Where(f => f[0] != '.').Distinct().Order(StringComparer.Ordinal));

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        var solution = Checkout.Text("LoraOps.sln").Replace('\\', '/');
        Rules.Empty(Checkout.Files.Where(f => f.EndsWith(".csproj", StringComparison.Ordinal) && !solution.Contains(f, StringComparison.Ordinal)));
    }

    [Fact]
    public void Every_fixture_has_a_row_in_the_README_of_fixtures()
    {
        var rows = MarkdownTable.Named("fixtures/README.md", "fixtures").Column(0).Order(StringComparer.Ordinal);
        var folders = Checkout.Files.Where(f => f.StartsWith("fixtures/", StringComparison.Ordinal) && f.Count('/') > 1)
            .Select(f => f.Split('/')[1]).Distinct().Order(StringComparer.Ordinal);
        Assert.Equal(folders, rows);
    }

    // Bytes are read as Latin-1, so that a path inside a binary file is found too.
    private static IEnumerable<string> Lines(Regex pattern) =>
        from file in Checkout.Files
        let match = pattern.Match(Encoding.Latin1.GetString(File.ReadAllBytes(Checkout.Full(file))))
        where match.Success
        select $"{file}: {match.Value}";
}
