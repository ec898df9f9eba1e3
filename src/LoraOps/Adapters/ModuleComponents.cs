namespace LoraOps.Adapters;

/// <summary>
/// The models of a pipeline (a denoiser and its text encoders) that one adapter file may adapt together, and how its module
/// names begin for each: diffusers writes <c>text_encoder_2.</c>, kohya <c>lora_te2_</c>.
/// </summary>
public static class ModuleComponents
{
    private static readonly string[] Unet = ["", "unet.", "transformer.", "model.diffusion_model.", "diffusion_model."];
    private static readonly string[] Encoder = ["", "text_encoder.", "cond_stage_model.transformer.", "conditioner.embedders.0.transformer."];

    private static readonly (string Prefix, string[] Components, string[] Roots)[] Flat =
    [
        ("lora_unet_", ["unet", "transformer"], Unet),
        ("lora_transformer_", ["transformer"], Unet),
        ("lora_te1_", ["text_encoder"], Encoder),
        ("lora_te2_", ["text_encoder_2"], ["", "text_encoder_2."]),
        ("lora_te3_", ["text_encoder_3"], ["", "text_encoder_3."]),
        ("lora_te_", ["text_encoder"], Encoder),
        ("lycoris_", [], [""]),
    ];

    private static readonly string[] Dotted = ["unet", "transformer", "transformer_2", "text_encoder", "text_encoder_2", "text_encoder_3"];

    /// <summary>True if a name begins as kohya's names do, whose dots are underscores.</summary>
    public static bool IsFlat(string name) => Array.Exists(Flat, flat => name.StartsWith(flat.Prefix, StringComparison.Ordinal));

    /// <summary>The components that a module's name says it belongs to, as diffusers calls their folders; none if it says nothing.</summary>
    public static IReadOnlyList<string> Of(ModuleName module) => module.IsFlat
        ? Rule(module).Components
        : Array.FindAll(Dotted, component => component == module.Segments[0]);

    /// <summary>A flat name without what stands for its component.</summary>
    public static string Rest(ModuleName flat) => flat.Value[Rule(flat).Prefix.Length..];

    /// <summary>What a flat name's layer may be preceded by in a checkpoint: nothing, or the component's place in a whole pipeline.</summary>
    public static IReadOnlyList<string> Roots(ModuleName flat) => Rule(flat).Roots;

    private static (string Prefix, string[] Components, string[] Roots) Rule(ModuleName flat) =>
        Array.Find(Flat, rule => flat.Value.StartsWith(rule.Prefix, StringComparison.Ordinal));
}
