using LoraOps.Tensors;

namespace LoraOps.Runtime.Sessions;

/// <summary>What a model gave for some samples.</summary>
/// <param name="Shape">[samples, …]</param>
/// <param name="Values">The elements as float32, row-major.</param>
public sealed record OutputBlock(TensorShape Shape, float[] Values);

/// <summary>Looks at an output while the runtime still holds it.</summary>
/// <param name="name">Its name.</param>
/// <param name="shape">[samples, …], padding already cut off where the first axis counts the samples.</param>
/// <param name="values">The elements; valid during the call only.</param>
internal delegate void OutputVisitor(string name, TensorShape shape, ReadOnlySpan<float> values);
