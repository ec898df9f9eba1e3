using LoraOps.Adapters;
using LoraOps.Deltas;

namespace LoraOps.Readers.Peft;

/// <summary>
/// A tensor name of an adapter file taken apart: prefix, wrappers and the adapter's name are gone.
/// Grammar: <c>[module.]base_model.model.MODULE[.base_layer].PART[.ADAPTER][.weight]</c>, or <c>MODULE.PARAMETER</c> for a replacement.
/// </summary>
/// <param name="Module">The layer in the base model.</param>
/// <param name="Part">A method's parameter (<c>lora_A</c>), or null for a replacement.</param>
/// <param name="Parameter">The replaced parameter's own name (<c>weight</c>), or <c>bias</c> of a part.</param>
/// <param name="IsSavedModule">True if the name says that it is a copy from modules_to_save.</param>
/// <param name="IsWrapped">True if the layer was wrapped by an adapter (<c>base_layer</c>).</param>
/// <param name="Depth">How many wrappers lie around the one that owns a part: the <c>base_layer</c> right before it.</param>
internal sealed record PeftKey(ModuleName Module, string? Part, string Parameter, bool IsSavedModule, bool IsWrapped, int Depth = 0)
{
    private const string Wrapped = "base_layer";
    private const string SavedModule = "modules_to_save";
    private const string Parallel = "module";
    private static readonly string[] Prefix = ["base_model", "model"];

    /// <summary>Takes a name apart; null for the copy that <c>original_module</c> keeps of what a saved module replaces.</summary>
    /// <param name="name">The tensor's name.</param>
    /// <param name="adapter">The adapter's own name, which raw dumps have in their keys.</param>
    public static PeftKey? Parse(string name, string adapter)
    {
        var segments = name.Split('.').Where(segment => segment is not ("_orig_mod" or "_fsdp_wrapped_module")).ToList();
        if (segments.Count > 2 && segments[0] == Parallel)
            segments.RemoveAt(0);

        while (segments.Count > 2 && segments[0] == Prefix[0] && segments[1] == Prefix[1])
            segments.RemoveRange(0, Prefix.Length);

        if (segments.Contains("original_module"))
            return null;

        var depth = DepthOf(segments);
        var wrapped = segments.RemoveAll(segment => segment == Wrapped) > 0;
        return segments.Exists(AdapterMethods.Parts.Contains)
            ? OfPart(segments, adapter, wrapped) with { Depth = depth }
            : OfReplacement(segments, adapter, wrapped);
    }

    /// <summary>The name that follows the parts of every key where a raw dump kept an adapter's own, or null if there is no single one.</summary>
    public static string? AdapterOf(IEnumerable<string> names)
    {
        var found = names.Select(name => name.Split('.'))
            .Select(segments => (Segments: segments, At: Array.FindIndex(segments, AdapterMethods.Parts.Contains)))
            .Where(key => key.At >= 0 && key.Segments.Length - key.At is 2 or 3)
            .Select(key => key.Segments[(key.At + 1)..])
            .Where(rest => rest[0] is not ("weight" or "bias") && !AdapterMethods.Members.Contains(rest[0]) &&
                (rest.Length == 1 || rest[1] is "weight" or "bias"))
            .Select(rest => rest[0])
            .Distinct()
            .Take(2)
            .ToList();
        return found.Count == 1 ? found[0] : null;
    }

    private static int DepthOf(List<string> segments)
    {
        var part = segments.FindIndex(AdapterMethods.Parts.Contains);
        var depth = 0;
        while (part - depth > 0 && segments[part - depth - 1] == Wrapped)
            depth++;

        return depth;
    }

    private static PeftKey OfPart(List<string> segments, string adapter, bool wrapped)
    {
        // Trainable tokens wrap the embedding's layer under a name of their own.
        segments.RemoveAll(segment => segment == "token_adapter");
        var at = segments.FindIndex(AdapterMethods.Parts.Contains);
        var rest = segments.Skip(at + 1).SkipWhile((segment, index) => index == 0 && IsAdapter(segment, adapter));
        return new PeftKey(Name(segments.Take(at)), segments[at], string.Join('.', rest), IsSavedModule: false, wrapped);
    }

    private static PeftKey OfReplacement(List<string> segments, string adapter, bool wrapped)
    {
        var saved = segments.IndexOf(SavedModule);
        if (saved >= 0)
        {
            segments.RemoveAt(saved);
            if (saved < segments.Count - 1 && IsAdapter(segments[saved], adapter))
                segments.RemoveAt(saved);
        }

        // A name of nothing but wrappers is no saved module, and nothing else.
        return new PeftKey(Name(segments.SkipLast(1)), null, segments.LastOrDefault(""), saved >= 0 && segments.Count > 0, wrapped);
    }

    private static bool IsAdapter(string segment, string adapter) => segment == "default" || segment == adapter;

    private static ModuleName Name(IEnumerable<string> segments) => new(string.Join('.', segments));
}
