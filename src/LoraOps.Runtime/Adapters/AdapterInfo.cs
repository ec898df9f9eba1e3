namespace LoraOps.Runtime.Adapters;

/// <summary>An adapter that a manager knows.</summary>
/// <param name="Id">What requests call it.</param>
/// <param name="Path">Its file; the model's own for an adapter inside the graph.</param>
/// <param name="Digest">SHA-256 of the file, lower-case hexadecimal; empty for an adapter inside the graph.</param>
/// <param name="Bytes">The length of the file; 0 for an adapter inside the graph.</param>
/// <param name="IsResident">False if it was evicted; its next use reads the file again.</param>
public sealed record AdapterInfo(string Id, string Path, string Digest, long Bytes, bool IsResident);
