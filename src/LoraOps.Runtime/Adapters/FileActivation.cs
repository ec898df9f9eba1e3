using LoraOps.Problems;
using Microsoft.ML.OnnxRuntime;

namespace LoraOps.Runtime.Adapters;

/// <summary>Adapters from files: the runtime takes them as options of the run.</summary>
internal sealed class FileActivation : Activation
{
    private readonly IReadOnlyList<AdapterVersion> _versions;
    private readonly RunOptions? _own;

    private FileActivation(IReadOnlyList<string> ids, IReadOnlyList<AdapterVersion> versions, RunOptions none)
        : base(ids, ids.Count == 0 ? AdapterManager.BaseId : string.Join('+', ids))
    {
        _versions = versions;
        Options = versions.Count switch
        {
            0 => none,
            1 => versions[0].Options,
            _ => _own = Together(versions),
        };
    }

    /// <inheritdoc/>
    public override RunOptions Options { get; }

    /// <summary>Activates adapters together.</summary>
    /// <param name="cache">Where they are.</param>
    /// <param name="ids">What they are called; the base is none of them.</param>
    /// <param name="none">Options without an adapter.</param>
    /// <exception cref="LoraOpsException">One is unknown or cannot be read again, or two set the same input.</exception>
    public static FileActivation Of(AdapterCache cache, IReadOnlyList<string> ids, RunOptions none)
    {
        var versions = new List<AdapterVersion>(ids.Count);
        try
        {
            foreach (var id in ids)
                versions.Add(cache.Enter(id));

            CheckDisjoint(ids, versions);
            return new FileActivation(ids, versions, none);
        }
        catch
        {
            versions.ForEach(version => version.Uses.Exit());
            throw;
        }
    }

    /// <inheritdoc/>
    public override bool Sets(string name)
    {
        foreach (var version in _versions)
        {
            if (version.File.Names.Contains(name))
                return true;
        }

        return false;
    }

    /// <inheritdoc/>
    public override OrtValue? Feed(RunFeed feed) => null;

    /// <inheritdoc/>
    public override void Dispose()
    {
        _own?.Dispose();
        foreach (var version in _versions)
            version.Uses.Exit();
    }

    // The runtime would let the last one win in silence.
    private static void CheckDisjoint(IReadOnlyList<string> ids, List<AdapterVersion> versions)
    {
        for (var i = 1; i < versions.Count; i++)
        {
            for (var j = 0; j < i; j++)
            {
                if (versions[i].File.Names.FirstOrDefault(versions[j].File.Names.Contains) is { } name)
                    throw new LoraOpsException(SwitchProblems.AdaptersOverlap(ids[j], ids[i], name));
            }
        }
    }

    private static RunOptions Together(IReadOnlyList<AdapterVersion> versions)
    {
        var options = AdapterVersion.NewOptions();
        foreach (var version in versions)
            version.AddTo(options);

        return options;
    }
}
