namespace LoraOps.Runtime.Adapters;

/// <summary>The place of one id in the cache; everything but <see cref="Reloading"/> belongs to the cache's lock.</summary>
internal sealed class AdapterSlot(string id, AdapterVersion first)
{
    private AdapterVersion? _version = first;
    private CheckedFile _file = first.File;

    /// <summary>What requests call it.</summary>
    public string Id { get; } = id;

    /// <summary>Whoever reads the file again holds this.</summary>
    public Lock Reloading { get; } = new();

    /// <summary>The number of its last use; the least was used longest ago.</summary>
    public long LastUse { get; set; }

    /// <summary>True if it is in memory and no run uses it.</summary>
    public bool IsIdle => _version is { Uses.IsIdle: true };

    /// <summary>What it holds, or held before it was evicted.</summary>
    public AdapterInfo Info => new(Id, _file.Path, _file.Digest, _file.Bytes, _version is not null);

    /// <summary>The version in memory with a use of it, or null.</summary>
    public AdapterVersion? TryEnter() => _version is { } version && version.Uses.TryEnter() ? version : null;

    /// <summary>Takes the version out; the caller disposes of it outside the lock.</summary>
    public AdapterVersion? Take()
    {
        var taken = _version;
        _version = null;
        return taken;
    }

    /// <summary>Puts a version in.</summary>
    public void Give(AdapterVersion version)
    {
        _version = version;
        _file = version.File;
    }
}
