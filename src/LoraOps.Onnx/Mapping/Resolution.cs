using LoraOps.Adapters;

namespace LoraOps.Onnx.Mapping;

/// <summary>A module and the nodes that are its.</summary>
/// <param name="Module">The adapter's module.</param>
/// <param name="Places">Its nodes; several if the layer is called several times or was split.</param>
/// <param name="Evidence">Every tier that names the module at these nodes, strongest first.</param>
/// <param name="IsVerified">True if the values were compared with the base checkpoint's.</param>
public sealed record Resolution(
    ModuleName Module, IReadOnlyList<WeightPlace> Places, IReadOnlyList<EvidenceTier> Evidence, bool IsVerified)
{
    /// <summary>What the user should look at: evidence that is weak.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>The nodes alone.</summary>
    public IEnumerable<WeightUse> Uses => Places.Select(place => place.Use);
}
