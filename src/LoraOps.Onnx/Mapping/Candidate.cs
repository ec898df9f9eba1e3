namespace LoraOps.Onnx.Mapping;

/// <summary>A node that may be a module's, and what speaks for it.</summary>
internal sealed record Candidate(WeightPlace Place, IReadOnlyList<Evidence> Evidence)
{
    /// <summary>The node.</summary>
    public WeightUse Use => Place.Use;

    /// <summary>How much of the names agrees: a longer tail is a better one.</summary>
    public int Agreement => Evidence.Max(evidence => evidence.Agreement);

    /// <summary>True if a name is the module's own, wholly.</summary>
    public bool IsExact => Evidence.Any(evidence => evidence.Match == NameMatch.Exact);

    /// <summary>True if the user said so.</summary>
    public bool IsMapped => Has(EvidenceTier.Map);

    /// <summary>True if the exporter recorded another module on the node.</summary>
    public bool IsContradicted => Use.MetadataModule is not null && !IsMapped && !Has(EvidenceTier.Metadata);

    /// <summary>True if a tier names the module here.</summary>
    public bool Has(EvidenceTier tier) => Evidence.Any(evidence => evidence.Tier == tier);
}
