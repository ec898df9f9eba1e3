using System.Reflection;

namespace LoraOps.House.Tests;

/// <summary>A rule without a test is a wish: the page of rules and the tests of this project are the same list.</summary>
public sealed class ContributingTests
{
    private const string Page = ".github/CONTRIBUTING.md";

    [Fact]
    public void Every_rule_of_the_page_names_a_test_and_every_test_here_is_a_rule_of_the_page()
    {
        var tests =
            from type in typeof(ContributingTests).Assembly.GetTypes()
            from method in type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
            where method.IsDefined(typeof(FactAttribute))
            select $"{type.Name}.{method.Name}";
        var rules = MarkdownTable.Named(Page, "rules").Rows.SelectMany(r => MarkdownTable.Codes(r[1]));
        Assert.Equal(tests.Order(StringComparer.Ordinal), rules.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_place_of_the_map_exists()
    {
        var known = Checkout.Files.ToHashSet();
        Rules.Empty(
            from row in MarkdownTable.Named("src/README.md", "add").Rows
            from place in MarkdownTable.Codes(row[1])
            let folder = place[..(place.LastIndexOf('/') + 1)]
            where !known.Contains(place) && !known.Any(f => f.StartsWith(folder, StringComparison.Ordinal))
            select $"{row[0]}: {place} does not exist");
    }

    [Fact]
    public void Every_catalogue_of_the_map_exists_and_every_catalogue_is_on_it()
    {
        var mapped = MarkdownTable.Named("src/README.md", "add").Rows.SelectMany(r => MarkdownTable.Codes(r[2]));
        Assert.Equal(CatalogueTests.Names().Order(StringComparer.Ordinal), mapped.Distinct().Order(StringComparer.Ordinal));
    }
}
