using System.Collections;
using System.Reflection;
using LoraOps.Onnx.Chips;

namespace LoraOps.House.Tests;

/// <summary>A catalogue is a static class with <c>All</c>: forgetting to list a thing is impossible.</summary>
public sealed class CatalogueTests
{
    private const BindingFlags Statics = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.DeclaredOnly;

    [Fact]
    public void Every_kind_of_an_abstract_item_is_listed() => Rules.Empty(
        from catalogue in Catalogues()
        where catalogue.Item.IsAbstract
        let listed = catalogue.All.Select(i => i.GetType()).ToHashSet()
        from type in catalogue.Owner.Assembly.GetTypes()
        where catalogue.Item.IsAssignableFrom(type) && !type.IsAbstract && !listed.Contains(type)
        select $"{catalogue.Owner.Name}.All lacks {type.Name}");

    [Fact]
    public void Every_named_item_is_listed() => Rules.Empty(
        from catalogue in Catalogues()
        from property in catalogue.Owner.GetProperties(Statics)
        where catalogue.Item.IsAssignableFrom(property.PropertyType)
        where property.GetValue(null) is not { } item || !catalogue.All.Contains(item)
        select $"{catalogue.Owner.Name}.All lacks {property.Name}");

    [Fact]
    public void No_name_is_listed_twice() => Rules.Empty(
        from catalogue in Catalogues()
        from name in catalogue.All.Select(NameOf).Where(n => n is not null).GroupBy(n => n).Where(g => g.Count() > 1)
        select $"{catalogue.Owner.Name}.All has '{name.Key}' twice");

    [Fact]
    public void The_house_has_catalogues_and_none_is_empty()
    {
        Assert.NotEmpty(Catalogues());
        Rules.Empty(Catalogues().Where(c => c.All.Count == 0).Select(c => c.Owner.Name));
    }

    [Fact]
    public void Every_chip_file_is_a_profile_of_its_name() => Assert.Equal(
        Checkout.Files.Where(f => f.StartsWith("src/LoraOps.Onnx/Chips/Profiles/", StringComparison.Ordinal)).Select(Path.GetFileNameWithoutExtension),
        ChipProfiles.All.Select(c => c.Name));

    [Fact]
    public void Every_chip_rule_is_held_by_some_chip() => Rules.Empty(
        ChipRules.All.Where(r => !ChipProfiles.All.Any(c => c.Rules.ContainsKey(r.Id))).Select(r => r.Id));

    /// <summary>The catalogues of the house, as <c>ChipProfiles.All</c>.</summary>
    internal static IEnumerable<string> Names() => Catalogues().Select(c => $"{c.Owner.Name}.All");

    private static string? NameOf(object item) =>
        (item.GetType().GetProperty("Id") ?? item.GetType().GetProperty("Name"))?.GetValue(item)?.ToString();

    private static List<Catalogue> Catalogues() =>
    [
        .. from owner in House.Types
           where owner is { IsAbstract: true, IsSealed: true }
           let all = owner.GetProperty("All", Statics)
           where all is { PropertyType.IsGenericType: true } && all.PropertyType.IsAssignableTo(typeof(IEnumerable))
           select new Catalogue(owner, all.PropertyType.GetGenericArguments()[0], [.. ((IEnumerable)all.GetValue(null)!).Cast<object>()]),
    ];

    private sealed record Catalogue(Type Owner, Type Item, List<object> All);
}
