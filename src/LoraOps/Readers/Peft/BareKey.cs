using System.Collections.Frozen;
using LoraOps.Adapters;
using LoraOps.Deltas;

namespace LoraOps.Readers.Peft;

/// <summary>
/// A tensor name of a file without adapter_config.json, in one of the schemes of the field: kohya and LyCORIS
/// (<c>lora_unet_a_b.lora_down.weight</c>, <c>a.b.hada_w1_a</c>, <c>….alpha</c>), old diffusers
/// (<c>a.processor.to_q_lora.up.weight</c>, <c>a.to_q.lora.down.weight</c>) and diffusers with PEFT (<c>unet.a.b.lora_A.weight</c>).
/// </summary>
/// <param name="Module">The layer; its name may be flat, and may begin with a component (<c>unet</c>, <c>text_encoder</c>).</param>
/// <param name="Part">PEFT's name of the part (<c>lora_A</c>, <c>lora_B.bias</c>), or one of this class.</param>
internal sealed record BareKey(ModuleName Module, string Part)
{
    /// <summary>The factor of a module's product, times its rank: one number.</summary>
    public const string Alpha = "alpha";

    /// <summary>Tucker's core between kohya's factors, [r, r, kernel…].</summary>
    public const string Core = "lora_mid";

    private const string Processor = "processor";
    private const string Attention = "self_attn";
    private const string OldSuffix = "_lora";

    /// <summary>The parts of LyCORIS that are refused, each with the reason.</summary>
    public static FrozenDictionary<string, string> Refused { get; } = new Dictionary<string, string>
    {
        ["b_norm"] = "a trained normalisation layer of LyCORIS is not read",
        ["diff"] = "a full difference of LyCORIS is no low-rank change and is not read",
        ["diff_b"] = "a full difference of a bias of LyCORIS is not read",
        ["dora_scale"] = "LyCORIS normalises DoRA over the inputs or the outputs, by version and option, and the file does not tell which",
        ["scalar"] = "a trained scalar of LyCORIS is not read",
        ["w_norm"] = "a trained normalisation layer of LyCORIS is not read",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, string> Renamed = new Dictionary<string, string>
    {
        ["down"] = LoraMethod.FactorA,
        ["lora_down"] = LoraMethod.FactorA,
        ["lora_up"] = LoraMethod.FactorB,
        ["up"] = LoraMethod.FactorB,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    // What diffusers called the projections of a text encoder before it used their own names.
    private static readonly FrozenDictionary<string, string> EncoderLayers = new Dictionary<string, string>
    {
        ["to_k"] = "k_proj",
        ["to_out"] = "out_proj",
        ["to_q"] = "q_proj",
        ["to_v"] = "v_proj",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Takes a name apart; null if it follows no scheme.</summary>
    public static BareKey? Parse(string name)
    {
        var segments = name.Split('.').Where(segment => segment is not ("_orig_mod" or "_fsdp_wrapped_module")).ToList();
        var isBias = segments[^1] == "bias";
        if (segments[^1] is "weight" or "bias")
            segments.RemoveAt(segments.Count - 1);

        if (segments is [.., "default"])
            segments.RemoveAt(segments.Count - 1);

        if (segments.Count < 2 || PartOf(segments[^1]) is not { } part)
            return null;

        var path = segments[..^1];
        if (segments[^1] is "up" or "down" && !IsWrapper(path[^1]))
            return null;

        return ModuleOf(path) is { } module ? new BareKey(module, isBias ? $"{part}.bias" : part) : null;
    }

    private static string? PartOf(string segment) =>
        Renamed.TryGetValue(segment, out var part) ? part :
        segment is Alpha or Core || Refused.ContainsKey(segment) || AdapterMethods.Parts.Contains(segment) ? segment : null;

    private static bool IsWrapper(string segment) =>
        segment is "lora" or "lora_linear_layer" || segment.EndsWith(OldSuffix, StringComparison.Ordinal);

    private static ModuleName? ModuleOf(List<string> path)
    {
        if (path[^1] is "lora" or "lora_linear_layer")
            path.RemoveAt(path.Count - 1);
        else if (path.Count > 1 && path[^1].EndsWith(OldSuffix, StringComparison.Ordinal))
            RenameOld(path);

        if (path.Count == 0 || path.Contains(""))
            return null;

        var name = new ModuleName(string.Join('.', path));
        return name with { IsFlat = path.Count == 1 && ModuleComponents.IsFlat(path[0]) };
    }

    // attn.processor.to_out_lora is the layer attn.to_out.0; self_attn.to_out_lora of a text encoder is out_proj.
    private static void RenameOld(List<string> path)
    {
        var layer = path[^1][..^OldSuffix.Length];
        path.RemoveAt(path.Count - 1);
        if (path[^1] == Processor)
            path.RemoveAt(path.Count - 1);

        if (path is [.., Attention] && EncoderLayers.TryGetValue(layer, out var own))
            layer = own;

        path.Add(layer);
        if (layer == "to_out")
            path.Add("0");
    }
}
