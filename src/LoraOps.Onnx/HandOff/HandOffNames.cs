namespace LoraOps.Onnx.HandOff;

/// <summary>What the files beside a model are called: all begin with the model's name without its ending.</summary>
/// <param name="Model">The model's file name, without a folder.</param>
public sealed record HandOffNames(string Model)
{
    /// <summary>How the name of the page for people ends.</summary>
    public const string PageEnding = ".compile.md";

    /// <summary>The model's name without its ending.</summary>
    public string Stem => Path.GetFileNameWithoutExtension(Model);

    /// <summary>The float model that was quantized, as the vendor's tool reads it.</summary>
    public string Float => Stem + ".float.onnx";

    /// <summary>TensorRT's calibration cache.</summary>
    public string Cache => Stem + ".calib.cache";

    /// <summary>AMCT's record of scales and offsets.</summary>
    public string Record => Stem + ".amct-record.txt";

    /// <summary>AMCT's configuration.</summary>
    public string AmctConfig => Stem + ".amct-config.json";

    /// <summary>Horizon's build configuration.</summary>
    public string HorizonYaml => Stem + ".horizon.yaml";

    /// <summary>Horizon's types of operators and nodes.</summary>
    public string QuantConfig => Stem + ".quant-config.json";

    /// <summary>The folder of calibration samples, one folder per input inside.</summary>
    public string Calibration => Stem + ".calibration";

    /// <summary>AIMET encodings, schema 0.6.1.</summary>
    public string Encodings => Stem + ".encodings.json";

    /// <summary>AIMET encodings, schema 1.0.0.</summary>
    public string EncodingsV1 => Stem + ".encodings-1.0.0.json";

    /// <summary>The page for people: files, commands, layers that are not INT8.</summary>
    public string Page => Stem + PageEnding;
}
