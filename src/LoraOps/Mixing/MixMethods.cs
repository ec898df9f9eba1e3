namespace LoraOps.Mixing;

/// <summary>Every way to mix.</summary>
public static class MixMethods
{
    /// <summary>By name in ordinal order.</summary>
    public static IReadOnlyList<MixMethod> All { get; } =
    [
        new BreadcrumbsMix(),
        new BreadcrumbsTiesMix(),
        new CatMix(),
        new CoreTiesMix(),
        new DareLinearMix(),
        new DareTiesMix(),
        new DellaMix(),
        new DellaLinearMix(),
        new IsoCMix(),
        new KnotsTiesMix(),
        new LinearMix(),
        new MagnitudePruneMix(),
        new ModelStockMix(),
        new NuslerpMix(),
        new PeftFactorMix(new DareLinearMix()),
        new PeftFactorMix(new DareTiesMix()),
        new PeftFactorMix(new LinearMix()),
        new PeftFactorMix(new MagnitudePruneMix()),
        new PeftFactorMix(new TiesMix()),
        new SlerpMix(),
        new SumSvdMix(),
        new TaskArithmeticMix(),
        new TiesMix(),
        new TsvMMix(),
    ];

    /// <summary>The method of a name, with dashes or underscores; null if there is none.</summary>
    public static MixMethod? Find(string name)
    {
        var wanted = name.Replace('_', '-');
        return All.FirstOrDefault(method => method.Name == wanted);
    }
}
