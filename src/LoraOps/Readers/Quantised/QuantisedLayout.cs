namespace LoraOps.Readers.Quantised;

/// <summary>One way of storing quantised weights in a checkpoint.</summary>
internal abstract class QuantisedLayout
{
    /// <summary>Its name, as a config's quant_method has it or with a hint.</summary>
    public abstract string Name { get; }

    /// <summary>Finds the weights that are stored so, and what is wrong with them.</summary>
    public abstract void Read(LayoutReading reading);
}
