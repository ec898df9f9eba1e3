using Microsoft.ML.OnnxRuntime;

namespace LoraOps.Runtime.Adapters;

/// <summary>Which adapters a run uses, and how the runtime is told. It holds a use of everything that it needs until it is disposed of.</summary>
internal abstract class Activation(IReadOnlyList<string> ids, string label) : IDisposable
{
    /// <summary>The adapters; empty for the base.</summary>
    public IReadOnlyList<string> Ids => ids;

    /// <summary>The adapters in one word, for figures and messages.</summary>
    public string Label => label;

    /// <summary>What the runtime gets with the run.</summary>
    public abstract RunOptions Options { get; }

    /// <summary>True for an input that the caller may not feed.</summary>
    public abstract bool Sets(string name);

    /// <summary>The value that the manager feeds itself, or null; the caller disposes of it after the run.</summary>
    public abstract OrtValue? Feed(RunFeed feed);

    /// <inheritdoc/>
    public abstract void Dispose();
}
