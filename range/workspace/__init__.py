"""Pages that trainees work in: home, catalogue, scenario, workspace, debrief."""
