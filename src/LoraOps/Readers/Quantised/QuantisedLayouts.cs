namespace LoraOps.Readers.Quantised;

/// <summary>The layouts of quantised weights that are dequantised; every other one is refused.</summary>
internal static class QuantisedLayouts
{
    /// <summary>Every layout.</summary>
    public static IReadOnlyList<QuantisedLayout> All { get; } =
        [new FourBitLayout(), new Int8Layout(), new GptqLayout(), new AwqLayout()];
}
