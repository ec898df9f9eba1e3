using LoraOps.Tensors;

namespace LoraOps.Readers.Safetensors;

/// <summary>One tensor as a header describes it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">The type of its elements.</param>
/// <param name="Shape">Its dimensions.</param>
/// <param name="Begin">Its first byte, counted from the end of the header.</param>
/// <param name="End">The byte after its last.</param>
internal sealed record HeaderEntry(string Name, ElementType Type, TensorShape Shape, long Begin, long End);

/// <summary>A header that is well formed; its ranges are not checked yet.</summary>
/// <param name="Entries">The tensors in the order of the header.</param>
/// <param name="Metadata">The free text map; empty if absent.</param>
internal sealed record Header(IReadOnlyList<HeaderEntry> Entries, IReadOnlyDictionary<string, string> Metadata);
