namespace LoraOps.Onnx.AdapterFiles;

/// <summary>
/// The FlatBuffers schema of an <c>.onnx_adapter</c>: field numbers of its two tables, and the bounds that every file keeps.
/// Format: microsoft/onnxruntime, onnxruntime/lora/adapter_format/adapter_schema.fbs.
/// </summary>
internal static class AdapterSchema
{
    /// <summary>The only version there is.</summary>
    public const int FormatVersion = 1;

    /// <summary>A file is shorter than this: its offsets are signed.</summary>
    public const long LengthLimit = int.MaxValue;

    /// <summary>ONNX Runtime refuses a file of more than a million tables; one is the adapter itself.</summary>
    public const int MostParameters = 999_999;

    /// <summary>The most dimensions of a parameter.</summary>
    public const int MostDims = 16;

    /// <summary>The longest name of a parameter in UTF-8.</summary>
    public const int MostNameBytes = 4096;

    /// <summary>Adapter.format_version, int32.</summary>
    public const int FormatVersionField = 0;

    /// <summary>Adapter.adapter_version, int32.</summary>
    public const int AdapterVersionField = 1;

    /// <summary>Adapter.model_version, int32.</summary>
    public const int ModelVersionField = 2;

    /// <summary>Adapter.parameters, a vector of tables.</summary>
    public const int ParametersField = 3;

    /// <summary>Parameter.name, a string.</summary>
    public const int NameField = 0;

    /// <summary>Parameter.dims, a vector of int64.</summary>
    public const int DimsField = 1;

    /// <summary>Parameter.data_type, int32.</summary>
    public const int DataTypeField = 2;

    /// <summary>Parameter.raw_data, a vector of bytes.</summary>
    public const int RawDataField = 3;

    /// <summary>The four characters at byte 4.</summary>
    public static ReadOnlySpan<byte> Identifier => "TORT"u8;
}
