using LoraOps.Runtime.Sessions;

namespace LoraOps.Runtime.Adapters;

/// <summary>Where the values of an adapter lie while it is resident.</summary>
public enum AdapterStorage
{
    /// <summary>
    /// In the file's own pages: nothing is copied, and processes share them. Replace such a file by renaming a new one over it: who
    /// writes into it changes the adapter of running requests, and who cuts it short ends the process.
    /// </summary>
    Mapped,

    /// <summary>In memory of the process: the file may be overwritten or deleted once it is loaded.</summary>
    Copied,
}

/// <summary>How an <see cref="AdapterManager"/> works.</summary>
public sealed record AdapterSettings
{
    /// <summary>The most bytes of adapter files that are resident together, those included that only a running request still holds.</summary>
    public long CacheBytes { get; init; } = 1L << 30;

    /// <summary>Where the values lie.</summary>
    public AdapterStorage Storage { get; init; } = AdapterStorage.Mapped;

    /// <summary>
    /// Whether models and adapters of other tools are taken: they carry no number that pairs them, so only names, types and shapes are
    /// checked. An adapter that names another model is refused all the same.
    /// </summary>
    public bool TakeForeign { get; init; }

    /// <summary>How the model runs: threads and how far its graph may be rewritten.</summary>
    public SessionSettings Session { get; init; } = new();
}
