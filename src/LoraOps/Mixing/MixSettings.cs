namespace LoraOps.Mixing;

/// <summary>How the sign of an element is elected (TIES, arXiv:2306.01708).</summary>
public enum SignVote
{
    /// <summary>By the sum of the values.</summary>
    Total,

    /// <summary>By the number of signs.</summary>
    Frequency,
}

/// <summary>What votes.</summary>
public enum ElectOn
{
    /// <summary>The sparsified deltas themselves (PEFT).</summary>
    Unweighted,

    /// <summary>The deltas times their weights (mergekit).</summary>
    Weighted,
}

/// <summary>What a sum of agreeing values is divided by.</summary>
public enum Divisor
{
    /// <summary>How many agree, at least 1 (PEFT).</summary>
    Count,

    /// <summary>The sum of the weights of those that agree, 1 if it is 0 (mergekit).</summary>
    Weights,

    /// <summary>1.</summary>
    None,
}

/// <summary>How what random dropping leaves is made up for.</summary>
public enum Rescale
{
    /// <summary>Divided by the density (DARE, arXiv:2311.03099).</summary>
    InverseDensity,

    /// <summary>Divided by the element's own probability (DELLA, arXiv:2406.11617).</summary>
    InverseProbability,

    /// <summary>Multiplied so that the sum of magnitudes stays (mergekit).</summary>
    L1,

    /// <summary>Not at all.</summary>
    None,
}

/// <summary>What one angle or cosine is taken over.</summary>
public enum Granularity
{
    /// <summary>The whole module.</summary>
    Tensor,

    /// <summary>Each canonical row.</summary>
    Row,

    /// <summary>Each canonical column.</summary>
    Column,
}

/// <summary>The parameters of a mix, named as in a recipe. Null: the method's own default, or one that the user must give.</summary>
public sealed record MixSettings
{
    /// <summary>The share of elements that is kept, 0 … 1; from 1 nothing is dropped and nothing rescaled.</summary>
    public double? Density { get; init; }

    /// <summary>breadcrumbs: the share of the largest elements that is dropped.</summary>
    public double Gamma { get; init; } = 0.01;

    /// <summary>della: how far probabilities lie from the density.</summary>
    public double Epsilon { get; init; } = 0.15;

    /// <summary>The factor of the result.</summary>
    public double Lambda { get; init; } = 1;

    /// <summary>linear: divides by the sum of the owners' weights.</summary>
    public bool Normalize { get; init; }

    /// <summary>The seed of random dropping.</summary>
    public ulong Seed { get; init; } = 42;

    /// <summary>dare, della: how dropping is made up for; null: by the inverse of the density, or of the probability for della.</summary>
    public Rescale? Rescale { get; init; }

    /// <summary>ties: how a sign is elected.</summary>
    public SignVote MajoritySignMethod { get; init; } = SignVote.Total;

    /// <summary>ties: what votes.</summary>
    public ElectOn ElectOn { get; init; } = ElectOn.Unweighted;

    /// <summary>ties: what a sum is divided by.</summary>
    public Divisor Divisor { get; init; } = Divisor.Count;

    /// <summary>slerp: the way from the first adapter (0) to the second (1); null: half.</summary>
    public double? T { get; init; }

    /// <summary>slerp, nuslerp, model_stock: what an angle is taken over.</summary>
    public Granularity Granularity { get; init; } = Granularity.Tensor;

    /// <summary>tsv_m: how many singular values of each adapter are kept; null: all.</summary>
    public int? KeepPerAdapter { get; init; }

    /// <summary>The highest rank of the result; null: as many as the result needs.</summary>
    public int? Rank { get; init; }

    /// <summary>The least share of the squared singular values that is kept, above 0 to 1; null: all, or what the rank holds.</summary>
    public double? Energy { get; init; }
}
