using LoraOps.Onnx.Forms;
using LoraOps.Problems;

namespace LoraOps.Runtime.Adapters;

/// <summary>The form <c>inputs</c>: adapters are files, and the model has overridable inputs for their values.</summary>
internal sealed class FileStore(LiveSession session, AdapterCache cache) : AdapterStore(session.Path, InputsForm.Name)
{
    private const int LongestId = 256;

    /// <inheritdoc/>
    public override IReadOnlyList<AdapterInfo> Adapters => cache.Adapters;

    /// <inheritdoc/>
    public override long ResidentBytes => cache.ResidentBytes;

    /// <inheritdoc/>
    public override Activation One(string id) => Together([id]);

    /// <inheritdoc/>
    public override Activation Together(IReadOnlyList<string> ids) =>
        FileActivation.Of(cache, [.. ids.Where(id => id != AdapterManager.BaseId)], session.Options);

    /// <inheritdoc/>
    public override AdapterInfo Load(string id, string path)
    {
        if (id.Length is 0 or > LongestId || id.Any(char.IsControl))
            throw new LoraOpsException(SwitchProblems.AdapterIdInvalid(path, id, $"needs 1 to {LongestId} characters, none of them a control character"));

        return id != AdapterManager.BaseId
            ? cache.Load(id, path)
            : throw new LoraOpsException(SwitchProblems.AdapterIdInvalid(path, id, "means the model without an adapter"));
    }

    /// <inheritdoc/>
    public override void Unload(string id) => cache.Unload(id);

    /// <inheritdoc/>
    public override void Preload(string id)
    {
        if (id == AdapterManager.BaseId)
            return;

        var version = cache.Enter(id);
        try
        {
            cache.Touch(version);
        }
        finally
        {
            version.Uses.Exit();
        }
    }

    /// <inheritdoc/>
    public override void Close() => cache.Close();
}
