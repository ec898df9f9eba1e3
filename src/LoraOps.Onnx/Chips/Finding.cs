namespace LoraOps.Onnx.Chips;

/// <summary>A breach of one of a chip's rules.</summary>
/// <param name="RuleId">The rule, for example <c>TRT-01</c>.</param>
/// <param name="Severity">How serious the chip's profile takes it.</param>
/// <param name="Where">The node or tensor.</param>
/// <param name="What">What was found and what is allowed: a sentence without its full stop.</param>
/// <param name="Advice">What to do: a whole sentence.</param>
public sealed record Finding(string RuleId, Severity Severity, string Where, string What, string Advice);
